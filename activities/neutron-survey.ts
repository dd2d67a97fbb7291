import type { HostRules } from '../network/host.ts';
import type { HostMemory, NeutronMemory } from '../network/host-memory.ts';
import type { PortId, Userid } from '../network/identifiers.ts';
import type { NeutronPort, WantedPort } from '../network/neutron-port.ts';
import type { PortStatus } from '../workflows/host-activities.ts';
import type { HostRecord } from './guest-reading.ts';
import { downStatusOf, isTold, statusOf, unwiredOf, viewOf } from './neutron-view.ts';

/** Neutron's part in a survey of a host. */
export type NeutronSurvey = {
  wanted: ReadonlyMap<Userid, ReadonlyMap<PortId, WantedPort>>;
  unconfirmed: ReadonlySet<PortId>;
  unwanted: ReadonlySet<PortId>;
  /** Of ports of guests, whatever Neutron has them as; of others only what is to be told. */
  statuses: PortStatus[];
  unusable: { portId: PortId; reason: string }[];
  waiting: number;
  /** Absent where Neutron is not configured. */
  memory: NeutronMemory | undefined;
};

export const NO_NEUTRON: NeutronSurvey = {
  wanted: new Map(),
  unconfirmed: new Set(),
  unwanted: new Set(),
  statuses: [],
  unusable: [],
  waiting: 0,
  memory: undefined,
};

/** A port that was reported up and is not ACTIVE waits for somebody else, such as a DHCP agent; it is reported again only so often. */
const TELL_AGAIN_MS = 600_000;

/** What Neutron's ports ask of a host. */
export function surveyNeutron(
  ports: readonly NeutronPort[],
  record: HostRecord,
  rules: Omit<HostRules, 'macPrefix'>,
  memory: HostMemory,
  { now, unreported }: { now: number; unreported: readonly PortId[] },
): NeutronSurvey {
  const view = viewOf(ports, record, rules);
  const lost = new Set(unreported);
  const toldAt = (portId: PortId) => (lost.has(portId) ? undefined : memory.neutron?.told.get(portId));
  const isNew = (status: PortStatus) =>
    !isTold(status) && !(status.up && (toldAt(status.portId) ?? -Infinity) > now - TELL_AGAIN_MS);
  const ofGuests = view.ofGuests.map(({ port, userid }) => statusOf(port, userid));
  const others = [...unwiredOf(view).map(downStatusOf), ...view.services.map((port) => statusOf(port))].filter(isNew);
  const untold = ofGuests.filter(isNew);
  const wanted = [...Map.groupBy(view.ofGuests, (each) => each.userid)].map(
    ([userid, each]): [Userid, Map<PortId, WantedPort>] => [
      userid,
      new Map(each.map((one) => [one.port.portId, one.wanted])),
    ],
  );
  const known = new Set(ports.map((port) => port.portId));
  const told = [...ofGuests, ...others]
    .filter((status) => status.up && !isTold(status))
    .map(({ portId }): [PortId, number] => [portId, isNewId(portId, untold) ? now : (toldAt(portId) ?? now)]);
  return {
    wanted: new Map(wanted),
    unconfirmed: new Set(untold.map(({ portId }) => portId)),
    unwanted: new Set((memory.neutron?.ports ?? []).filter((portId) => !known.has(portId))),
    statuses: [...ofGuests, ...others],
    unusable: view.unusable.map(({ port, reason }) => ({ portId: port.portId, reason })),
    waiting: view.waiting.length,
    // A port that is gone stays in mind until its row is gone too.
    memory: {
      ports: [
        ...known,
        ...(memory.neutron?.ports ?? []).filter((portId) => !known.has(portId) && isRecorded(portId, record)),
      ],
      told: new Map(told),
    },
  };
}

function isNewId(portId: PortId, statuses: readonly PortStatus[]): boolean {
  return statuses.some((status) => status.portId === portId);
}

function isRecorded(portId: PortId, { recorded }: HostRecord): boolean {
  return [...recorded.values()].some((rows) => rows.some((row) => row.portId === portId));
}
