import type { HostRecord } from '../backend/reading.ts';
import { concerns, type GuestsAndPorts, subjectsOf } from '../domain/drift/repair-subject.ts';
import type { Checkpoint, NeutronCheckpoint } from '../domain/host/checkpoint.ts';
import type { HostRules } from '../domain/host/host.ts';
import type { NeutronPort, WantedPort } from '../domain/host/neutron-port.ts';
import type { PortId, Userid } from '../domain/text/identifiers.ts';
import type { PortStatus } from '../workflows/host-activities.ts';
import { downStatusOf, isReported, statusOf, unwiredOf, viewOf } from './neutron-view.ts';
import type { SurveyTask } from './survey-failures.ts';

/** Neutron's part in a survey of a host. */
export type NeutronSurvey = {
  wanted: ReadonlyMap<Userid, ReadonlyMap<PortId, WantedPort>>;
  unconfirmed: ReadonlySet<PortId>;
  unwanted: ReadonlySet<PortId>;
  /** Of ports of guests, whatever Neutron has them as; of others only what is to be reported. */
  statuses: PortStatus[];
  unusable: { portId: PortId; reason: string }[];
  waiting: number;
  /** Absent where Neutron is not configured. */
  checkpoint: NeutronCheckpoint | undefined;
};

export const NO_NEUTRON: NeutronSurvey = {
  wanted: new Map(),
  unconfirmed: new Set(),
  unwanted: new Set(),
  statuses: [],
  unusable: [],
  waiting: 0,
  checkpoint: undefined,
};

/** The demands of Neutron's ports on a host. */
export function surveyNeutron(
  ports: readonly NeutronPort[],
  record: HostRecord,
  rules: Omit<HostRules, 'macPrefix'>,
  checkpoint: Checkpoint,
  { unreported, failed }: Pick<SurveyTask, 'unreported' | 'failed'>,
): NeutronSurvey {
  const view = viewOf(ports, record, rules);
  const { userids, portIds } = subjectsOf(failed);
  const lost = { userids, portIds: new Set([...unreported, ...portIds]) };
  const revisions = new Map(
    ports.flatMap(({ portId, revision }): [PortId, number][] => (revision === undefined ? [] : [[portId, revision]])),
  );
  // A status that somebody else has set since the report has another revision too: that is a difference of its own.
  const wasReported = (status: PortStatus) =>
    !concerns(lost, status) &&
    revisions.has(status.portId) &&
    checkpoint.neutron?.reported.get(status.portId) === revisions.get(status.portId);
  const isNew = (status: PortStatus) => !isReported(status) && !(status.up && wasReported(status));
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
  const reported = [...ofGuests, ...services]
    .filter((status) => status.up && !isReported(status))
    .flatMap(({ portId }): [PortId, number][] => {
      const revision = revisions.get(portId);
      return revision === undefined ? [] : [[portId, revision]];
    });
  return {
    wanted: new Map(wanted),
    unconfirmed: new Set(untold.map(({ portId }) => portId)),
    unwanted: new Set((checkpoint.neutron?.ports ?? []).filter((portId) => !known.has(portId))),
    statuses: [...ofGuests, ...others],
    unusable: view.unusable.map(({ port, reason }) => ({ portId: port.portId, reason })),
    waiting: view.waiting.length,
    // A port that is gone stays in mind until its row is gone too.
    checkpoint: {
      ports: [
        ...known,
        ...(checkpoint.neutron?.ports ?? []).filter((portId) => !known.has(portId) && isRecorded(portId, record)),
      ],
      reported: new Map(reported),
    },
  };
}

/**
 * The checkpoint for the next reconciliation when ports and guests (`unreported`) were not looked at now, or are not in order: of these nothing up
 * is reported.
 */
export function checkpointOf(
  { checkpoint, statuses }: NeutronSurvey,
  unreported: GuestsAndPorts,
): Pick<Checkpoint, 'neutron'> {
  if (checkpoint === undefined) return {};
  const guests = new Map(statuses.map(({ portId, userid }) => [portId, userid]));
  const reported = [...checkpoint.reported].filter(
    ([portId]) => !concerns(unreported, { portId, userid: guests.get(portId) }),
  );
  return { neutron: { ...checkpoint, reported: new Map(reported) } };
}

function isRecorded(portId: PortId, { recorded }: HostRecord): boolean {
  return [...recorded.values()].some((rows) => rows.some((row) => row.portId === portId));
}
