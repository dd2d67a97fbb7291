import type { HostRecord } from '../backend/reading.ts';
import type { HostRules } from '../domain/host/host.ts';
import type { HostMemory, NeutronMemory } from '../domain/host/host-memory.ts';
import type { NeutronPort, WantedPort } from '../domain/host/neutron-port.ts';
import type { PortId, Userid } from '../domain/text/identifiers.ts';
import type { PortStatus, SurveyInput } from '../workflows/host-activities.ts';
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

/** What Neutron's ports ask of a host. */
export function surveyNeutron(
  ports: readonly NeutronPort[],
  record: HostRecord,
  rules: Omit<HostRules, 'macPrefix'>,
  memory: HostMemory,
  { unreported, failed }: Pick<SurveyInput, 'unreported' | 'failed'>,
): NeutronSurvey {
  const view = viewOf(ports, record, rules);
  const lost = new Set<string>([...unreported, ...failed.map(({ userid }) => userid)]);
  const revisions = new Map(
    ports.flatMap(({ portId, revision }): [PortId, number][] => (revision === undefined ? [] : [[portId, revision]])),
  );
  // Whoever has set a status since it was told has changed the revision too: that is a difference of its own.
  const wasTold = ({ portId, userid }: PortStatus) =>
    !lost.has(portId) &&
    !lost.has(userid ?? '') &&
    revisions.has(portId) &&
    memory.neutron?.told.get(portId) === revisions.get(portId);
  const isNew = (status: PortStatus) => !isTold(status) && !(status.up && wasTold(status));
  const ofGuests = view.ofGuests.map(({ port, userid }) => statusOf(port, userid));
  const services = view.services.map((port) => statusOf(port));
  const others = [...unwiredOf(view).map(downStatusOf), ...services].filter(isNew);
  const untold = ofGuests.filter(isNew);
  const wanted = [...Map.groupBy(view.ofGuests, (each) => each.userid)].map(
    ([userid, each]): [Userid, Map<PortId, WantedPort>] => [
      userid,
      new Map(each.map((one) => [one.port.portId, one.wanted])),
    ],
  );
  const known = new Set(ports.map((port) => port.portId));
  const told = [...ofGuests, ...services]
    .filter((status) => status.up && !isTold(status))
    .flatMap(({ portId }): [PortId, number][] => {
      const revision = revisions.get(portId);
      return revision === undefined ? [] : [[portId, revision]];
    });
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

/**
 * What the next reconciliation has to know when ports and guests (`notTold`) were not looked at now, or are not in order: of these nothing up
 * is told.
 */
export function memoryOf(
  { memory, statuses }: NeutronSurvey,
  notTold: ReadonlySet<string>,
): Pick<HostMemory, 'neutron'> {
  if (memory === undefined) return {};
  const guests = new Map(statuses.map(({ portId, userid }) => [portId, userid]));
  const told = [...memory.told].filter(([portId]) => !notTold.has(portId) && !notTold.has(guests.get(portId) ?? ''));
  return { neutron: { ...memory, told: new Map(told) } };
}

function isRecorded(portId: PortId, { recorded }: HostRecord): boolean {
  return [...recorded.values()].some((rows) => rows.some((row) => row.portId === portId));
}
