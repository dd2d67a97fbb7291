import { z } from 'zod';
import { defined } from '../defined.ts';
import { absenceRefusal } from '../guest/absence.ts';
import type { Desired, DesiredPort } from '../guest/desired.ts';
import type { GuestState } from '../guest/guest.ts';
import { type BackendKind, serverName } from '../host/host.ts';
import type { PlanningContext } from '../planning/planning-context.ts';
import { recordedPorts } from '../planning/recorded-ports.ts';
import type { RecordStep } from '../planning/steps.ts';
import type { PortId } from '../text/identifiers.ts';
import { authorisedVlans, grantOf, type Vswitch } from '../vswitch/vswitch.ts';

/** The migration of one guest, or its plan. */
export const GuestMigration = z.object({
  userid: z.string(),
  /** `incomplete`: something of it was not brought, which `left` says. */
  outcome: z.enum(['unchanged', 'migrated', 'planned', 'incomplete', 'failed']),
  /** Ports that its record has. */
  ports: z.number(),
  steps: z.array(z.string()),
  left: z.array(z.string()),
});
export type GuestMigration = z.infer<typeof GuestMigration>;

/** A guest as one server reads it. */
export type ReadGuest = Omit<PlanningContext, 'avoidMacs'>;

/** The server that gets the record. */
export type NewServer = {
  kind: BackendKind;
  can: { portBased: boolean; vlanSets: boolean; addresses: boolean };
  planAdoption(
    desired: Desired,
    guest: GuestState,
  ): { steps: RecordStep[]; left: { portId: PortId; reason: string }[] };
};

/**
 * The steps on the new server's record, so that it says of the guest what the present one's says, and what it cannot say, a sentence each. A guest
 * that is not as it is recorded (`drift`) is left until it is: a new record must not tell for right what is wrong.
 */
export function planMigration(
  source: ReadGuest,
  target: ReadGuest,
  server: NewServer,
  drift: readonly string[],
): { steps: RecordStep[]; left: string[] } {
  const { userid, recorded } = source.guest;
  for (const { guest, rules } of [source, target]) {
    if (guest.absence === undefined) continue;
    const { reason, advice } = absenceRefusal(userid, rules, guest.absence);
    return { steps: [], left: [`${reason}: ${advice}`] };
  }
  const [first] = drift;
  if (first !== undefined)
    return { steps: [], left: [`it is not as it is recorded; have it reconciled first: ${first}`] };
  const known = recordedPorts({ ...source, avoidMacs: new Set() });
  const hindered = new Map(known.flatMap((port) => hindrances(port, source, server).map((why) => [port.portId, why])));
  const ports = known
    .filter(({ portId }) => !hindered.has(portId))
    .map((port) => withOwnAddress(port, target.guest, server.can.addresses));
  const gone = target.guest.recorded.filter(({ portId }) => !recorded.some((port) => port.portId === portId));
  // A NIC that Nova has made, and nobody has wired, has a bare statement that readings leave to its row.
  const stale = gone.filter(({ vdev, vswitch }) => vswitch !== undefined && !hasNic(target.guest, vdev));
  const removed = stale.map(({ portId }) => ({ portId, unwired: false }));
  const adoption = server.planAdoption({ ports, removed, keepAuthorised: [], leaving: [] }, target.guest);
  return {
    steps: adoption.steps,
    left: [
      ...recorded
        .filter(({ portId }) => !known.some((port) => port.portId === portId))
        .map(({ portId }) => `port ${portId} is not wired, or cannot be read`),
      ...[...hindered].map(([portId, why]) => `port ${portId}: ${why}`),
      ...adoption.left.map(({ portId, reason }) => `port ${portId}: ${reason}`),
      ...gone
        .filter((port) => !stale.includes(port))
        .map(({ portId, vdev }) => `port ${portId} with NIC ${vdev} is recorded by ${serverName(server.kind)} alone`),
    ],
  };
}

/** Why the new server cannot manage the port. */
function hindrances(
  { vswitch: name, network, authorization }: DesiredPort,
  source: ReadGuest,
  { kind, can }: NewServer,
) {
  const vswitch = source.vswitches.find((each) => each.name === name);
  const isSet = network.type === 'trunk' || (authorization === undefined && vlansOf(vswitch, source.guest) > 1);
  return [
    ...(vswitch?.portSelection === 'PORTBASED' && !can.portBased
      ? [`its VSWITCH is port-based, which ${serverName(kind)} cannot manage`]
      : []),
    ...(isSet && !can.vlanSets
      ? [`the guest has several VLANs on ${name}, which ${serverName(kind)} cannot manage`]
      : []),
  ];
}

function vlansOf(vswitch: Vswitch | undefined, { userid }: GuestState): number {
  const grant = vswitch && grantOf(vswitch, userid);
  return vswitch === undefined || grant === undefined ? 0 : authorisedVlans(vswitch, grant).length;
}

/** A server that keeps addresses has them from before: the other one cannot have changed them. */
function withOwnAddress(port: DesiredPort, { addresses = [] }: GuestState, keepsAddresses: boolean): DesiredPort {
  const { address: _address, hostname: _hostname, ...bare } = port;
  if (!keepsAddresses) return bare;
  const { address, hostname } = addresses.find(({ vdev }) => vdev === port.vdev) ?? port;
  return { ...bare, ...defined({ address, hostname }) };
}

function hasNic({ directory, live }: GuestState, vdev: string | undefined): boolean {
  return [...directory, ...live].some((nic) => nic.vdev === vdev);
}
