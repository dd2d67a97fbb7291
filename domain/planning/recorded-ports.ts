import { defined } from '../defined.ts';
import { confirmAdminState, looksDown } from '../drift/admin-state.ts';
import { clearPorts } from '../drift/unclear-ports.ts';
import { portsOfChange } from '../guest/change-ports.ts';
import type { DesiredPort } from '../guest/desired.ts';
import type { GuestState, ReadablePort, RecordedPort } from '../guest/guest.ts';
import type { HostRules } from '../host/host.ts';
import type { Change } from '../operations/requests.ts';
import { type Mac, macFromId } from '../port/mac.ts';
import type { PortId } from '../text/identifiers.ts';
import { refuseNetwork } from '../vswitch/vswitch-choice.ts';
import { authorisedPort, freeMac } from './new-port.ts';
import type { PlanningContext } from './planning-context.ts';
import type { Refusal, RefusedPort } from './refusal.ts';

/**
 * The guest's wired ports as they are recorded. Those that nobody has wired yet, or can read, are not among them, nor are those of a guest that
 * is not here.
 */
export function recordedPorts(context: PlanningContext, except: ReadonlySet<PortId> = new Set()): DesiredPort[] {
  const recorded = clearPorts(context.guest, context.vswitches).filter(({ portId }) => !except.has(portId));
  return portsOf(recorded, context, []);
}

/** Ports as they are recorded, without `others`, beside which they stand. */
export function portsOf(
  recorded: readonly ReadablePort[],
  context: PlanningContext,
  others: readonly DesiredPort[],
): DesiredPort[] {
  const { guest, rules } = context;
  if (guest.absence !== undefined) return [];
  const { userid } = guest;
  const ports: DesiredPort[] = [];
  for (const port of recorded) {
    const { portId, vdev, vswitch, network, adminStateUp } = port;
    if (vdev === undefined || vswitch === undefined) continue;
    if (refuseAdoption(port, context).length > 0) continue;
    const beside = [...others, ...ports];
    const mac = port.mac ?? macOfDirectory(port, guest, rules) ?? newMac(port, beside, context);
    const { address, hostname } = guest.addresses?.find((entry) => entry.vdev === vdev) ?? {};
    const asRecorded: DesiredPort = {
      portId,
      userid,
      vswitch,
      network,
      ...defined({ mac }),
      vdev,
      adminStateUp,
      live: 'asIs',
      ...defined({ address, hostname }),
    };
    ports.push(authorisedPort(asRecorded, '', beside, context).port);
  }
  return ports;
}

/**
 * Ports that z/VM has as if they were administratively down, though their record does not say so: no operation brings them up that does not
 * name them, and reconciliation, which knows the host, none that an operator has to confirm. It refuses them.
 */
export function leftDown(
  change: Change,
  { guest, vswitches }: PlanningContext,
): { portIds: Set<PortId>; refused: RefusedPort[] } {
  const named = new Set(portsOfChange(change));
  const toConfirm =
    change.kind === 'reconcile' && change.toConfirm !== undefined ? new Set(change.toConfirm) : undefined;
  const recorded = clearPorts(guest, vswitches).filter(
    (port) => !named.has(port.portId) && (toConfirm?.has(port.portId) ?? true) && looksDown(port, guest),
  );
  const asked = change.kind === 'reconcile' ? recorded : [];
  return {
    portIds: new Set(recorded.map(({ portId }) => portId)),
    refused: asked.map((port) => ({ portId: port.portId, refusals: [confirmAdminState(guest.userid, port)] })),
  };
}

/** Why a port that has come from another host cannot be had on this one: it stays as it is until it is made here with other values. */
function refuseAdoption({ recordedFor, vswitch, network }: ReadablePort, context: PlanningContext): Refusal[] {
  return recordedFor === undefined || vswitch === undefined ? [] : refuseNetwork(vswitch, network, '', context);
}

// Nova's record keeps only the last MAC of a guest (docs/reference/xcat.md 2.5); the directory has the others.
function macOfDirectory(port: RecordedPort, guest: GuestState, rules: HostRules): Mac | undefined {
  const nic = guest.directory.find((candidate) => candidate.vdev === port.vdev);
  return nic?.macId === undefined ? undefined : macFromId(rules.macPrefix, nic.macId);
}

/** Recorded ports that have come from another host and cannot be had on this one. */
export function refusedAdoptions(except: readonly PortId[], context: PlanningContext): RefusedPort[] {
  return clearPorts(context.guest, context.vswitches)
    .filter(({ portId }) => !except.includes(portId))
    .map((port) => ({ portId: port.portId, refusals: refuseAdoption(port, context) }))
    .filter(({ refusals }) => refusals.length > 0);
}

/** A NIC that is there without an address of its own keeps the one that CP gives it; one that is nowhere gets an address. */
function newMac(
  { portId, vdev }: RecordedPort,
  ports: readonly DesiredPort[],
  context: PlanningContext,
): Mac | undefined {
  const { directory, live } = context.guest;
  return [...directory, ...live].some((nic) => nic.vdev === vdev) ? undefined : freeMac(portId, ports, context);
}
