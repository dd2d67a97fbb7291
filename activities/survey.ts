import { coupledAt, coupledUserids, guestsOfMembers } from '../backend/member-places.ts';
import type { HostReading } from '../backend/reading.ts';
import { defined } from '../domain/defined.ts';
import { notCoupledPorts, type SurveyedGuest } from '../domain/drift/drift.ts';
import { findingText } from '../domain/drift/finding.ts';
import { foreignOn } from '../domain/drift/foreign.ts';
import { concerns, subjectsOf } from '../domain/drift/repair-subject.ts';
import { unclearPorts } from '../domain/drift/unclear-ports.ts';
import type { RecordedPort } from '../domain/guest/guest.ts';
import { type Checkpoint, EMPTY_CHECKPOINT, type OwnNic } from '../domain/host/checkpoint.ts';
import { directoryAuthorizes } from '../domain/host/host-capabilities.ts';
import type { NeutronPort, WantedPort } from '../domain/host/neutron-port.ts';
import type { PortId, Userid } from '../domain/text/identifiers.ts';
import type { Vswitch } from '../domain/vswitch/vswitch.ts';
import { NeutronError } from '../neutron/errors.ts';
import type { PortStatus, Survey } from '../workflows/host-activities.ts';
import { lacksDhcp } from './dhcp.ts';
import type { HostRuntime } from './host-runtime.ts';
import { checkpointOf, type NeutronSurvey, NO_NEUTRON, surveyNeutron } from './neutron-survey.ts';
import { boundPorts, neutronHosts } from './neutron-view.ts';
import { fittingReport } from './result-size.ts';
import { downPorts, entriesToRemember, nicsOf, remember, wiredNics } from './survey-checkpoint.ts';
import { failure, type Later, notNow, type SurveyTask, unusable } from './survey-failures.ts';
import { candidatesOfOneRun, examine, type Found, runningFirst } from './survey-guests.ts';
import { disagreements, readShadow, recalled } from './survey-shadow.ts';
import { rdevsToRemember, vswitchesToEnsure, withoutUplinks } from './survey-vswitches.ts';

const MOST_LINES = 100;
/** A sweep reads at most so many guests a run. */
const MOST_SWEPT = 200;

/**
 * Read the whole host and find what is not as it is recorded. Three calls to xCAT, one or two more when guests have to be read for themselves, and
 * one in ten minutes for profiles of the directory: no more for many ports than for few. `kept` is what the last run left. Throws a BackendError
 * when the host cannot be read.
 */
export async function surveyHost(
  host: HostRuntime,
  input: SurveyTask,
  kept: Checkpoint,
  signal: AbortSignal,
): Promise<Omit<Survey, 'checkpoint' | 'request'> & { checkpoint: Checkpoint }> {
  const checkpoint = recalled(host, kept);
  host.backend.entries.recall(checkpoint.entries);
  if (checkpoint.answers !== undefined) host.backend.answers.take(checkpoint.answers);
  const swept = sliceOf(checkpoint, input);
  const slice = swept.filter((userid) => checkpoint.guests.has(userid));
  const others = swept.filter((userid) => !checkpoint.guests.has(userid));
  const later = notNow(input);
  const [reading, nics, { ports, problem }, shadow] = await Promise.all([
    host.backend.readHost({ userids: slice, survey: true, entriesOf: others }),
    host.backend.readServerNics(signal),
    readPorts(host, checkpoint.neutron?.ports ?? [], later.portIds),
    readShadow(host),
  ]);
  signal.throwIfAborted();
  const neutron =
    ports === undefined
      ? { ...NO_NEUTRON, checkpoint: checkpoint.neutron }
      : surveyNeutron(ports, reading, host.rules, checkpoint, input);
  const at = coupledAt(reading);
  const vswitchesOf = (userid: Userid) => at(userid).vswitches;
  const guests = withPortsToConfirm(
    surveyed(reading, withDoubtAfterIpl(checkpoint, reading), neutron),
    vswitchesOf,
    checkpoint,
  );
  const found = await examine(host, { ...reading, vswitchesOf }, guests, slice, later, input.now);
  const failed = subjectsOf(found.failed);
  const rdevs = rdevsToRemember(host, reading.vswitches, checkpoint.rdevs);
  const missing = vswitchesToEnsure(host, reading.vswitches, nics, rdevs);
  const foreign = foreignOn(
    reading.vswitches,
    new Set(host.rules.vswitches.map((each) => each.vswitch)),
    portNics(guests, reading),
    new Set([reading.server?.userid ?? '', reading.agent]),
  );
  host.backend.entries.keepOnly(reading.guests);
  const candidates = candidatesOfOneRun(runningFirst(found.candidates, guests));
  const coupled = coupledUserids([reading, ...reading.members].flatMap(({ vswitches }) => vswitches));
  const iplTime = reading.iplTime ?? checkpoint.iplTime;
  const ipl = checkpoint.iplTime !== undefined && checkpoint.iplTime !== iplTime;
  const failures = [
    ...found.failed,
    ...reading.orphans.map(({ node, reason }) => failure({ kind: 'node', node }, reason, 0)),
    ...withoutUplinks(host, reading.vswitches, rdevs, input.now),
    ...guests.flatMap((guest) => unclearPorts(guest, vswitchesOf(guest.userid))).map(unusable),
    ...neutron.unusable.map(unusable),
    ...(problem === undefined ? [] : [failure({ kind: 'neutron' }, problem, 0)]),
  ];
  const { untold, ...report } = fittingReport(failures, statusesToTell(neutron, found, later, input.unreported));
  return {
    examined: guests.length,
    candidates,
    more: candidates.length < found.candidates.length,
    skipped: found.skipped,
    ...report,
    waiting: neutron.waiting + guests.reduce((sum, guest) => sum + unwired(guest), 0),
    foreign: foreign.length,
    foreignLines: foreign.slice(0, MOST_LINES),
    findings: [...reading.findings, ...found.findings, ...disagreements(host, reading, shadow)]
      .map(findingText)
      .slice(0, MOST_LINES),
    vswitches: missing,
    managementNetwork: host.rules.managementNetwork !== undefined && reading.server?.here === true && !nics.coupled,
    dhcp: lacksDhcp(host, reading),
    reIpled: ipl,
    capabilities: reading.capabilities,
    checkpoint: {
      ...checkpointOf(neutron, {
        userids: new Set([...later.userids, ...found.unread, ...failed.userids]),
        portIds: new Set([...later.portIds, ...failed.portIds, ...untold]),
      }),
      ...defined({ rdevs: rdevs.size === 0 ? undefined : rdevs, iplTime, sweptUpTo: swept.at(-1) }),
      ...defined({ answers: host.backend.answers.known(), down: downPorts(guests) }),
      backend: host.backend.kind,
      toConfirm: guests.flatMap((guest) => found.toConfirm.get(guest.userid) ?? guest.toConfirm ?? []),
      entries: entriesToRemember(host, reading, guests),
      guests: new Map(
        guests
          .map((guest) => ({ guest, checkpoint: remember(guest, found, coupled) }))
          .filter((each) => each.guest.absent !== true || each.checkpoint.nics.length > 0)
          .map((each) => [each.guest.userid, each.checkpoint]),
      ),
    },
  };
}

/** The guests whose directory entries are looked at this time: all of them once in a sweep. */
function sliceOf(checkpoint: Checkpoint, { intervalSeconds, sweepSeconds }: SurveyTask): Userid[] {
  const userids = [...new Set([...checkpoint.guests.keys(), ...checkpoint.entries.keys()])].toSorted();
  const size = Math.min(MOST_SWEPT, Math.ceil((userids.length * intervalSeconds) / sweepSeconds));
  const after = checkpoint.sweptUpTo;
  const start = after === undefined ? 0 : userids.findIndex((userid) => userid > after);
  const rest = start < 0 ? userids : userids.slice(start);
  return rest.slice(0, size);
}

/** After an IPL grants are gone: where a directory entry may authorise in their place, each guest that is not coupled is looked at once. */
function withDoubtAfterIpl(checkpoint: Checkpoint, { iplTime, capabilities }: HostReading): Checkpoint {
  if (iplTime === undefined || iplTime === checkpoint.iplTime || !directoryAuthorizes(capabilities)) return checkpoint;
  const guests = [...checkpoint.guests].map(([userid, guest]) => [userid, { ...guest, verified: false }] as const);
  return { ...checkpoint, guests: new Map(guests) };
}

function surveyed(reading: HostReading, checkpoint: Checkpoint, neutron: NeutronSurvey): SurveyedGuest[] {
  const userids = new Set([...reading.recorded.keys(), ...checkpoint.guests.keys(), ...neutron.wanted.keys()]);
  const owners = new Map([...neutron.wanted].flatMap(([userid, ports]) => [...ports.keys()].map((id) => [id, userid])));
  const isUnwanted = (userid: Userid, portId: PortId) =>
    neutron.unwanted.has(portId) || (owners.get(portId) ?? userid) !== userid;
  return [...userids]
    .filter((userid) => reading.recorded.has(userid) || reading.guests.has(userid) || hadNics(checkpoint, userid))
    .map((userid) => {
      const recorded = reading.recorded.get(userid) ?? [];
      return {
        userid,
        recorded,
        hidesPorts: reading.hidesPorts.has(userid),
        nicsOfOthers: reading.nicsOfOthers.get(userid) ?? [],
        remembered: checkpoint.guests.get(userid),
        wanted: neutron.wanted.get(userid) ?? NOTHING_WANTED,
        unconfirmed: neutron.unconfirmed,
        unwanted: recorded.map(({ portId }) => portId).filter((portId) => isUnwanted(userid, portId)),
        ...(reading.guests.has(userid) ? {} : { absent: true as const }),
      };
    });
}

/**
 * At first sight of a host nobody knows of a port that is not coupled whether it is meant to be: the tables of the historic agent do not
 * say that one is administratively down.
 */
function withPortsToConfirm(
  guests: readonly SurveyedGuest[],
  vswitchesOf: (userid: Userid) => readonly Vswitch[],
  checkpoint: Checkpoint,
): SurveyedGuest[] {
  const isFirst = checkpoint === EMPTY_CHECKPOINT;
  const before = new Set(checkpoint.toConfirm);
  if (!isFirst && before.size === 0) return [...guests];
  return guests.map((guest) => {
    const toConfirm = notCoupledPorts(guest, vswitchesOf(guest.userid)).filter(
      (portId) => isFirst || before.has(portId),
    );
    return toConfirm.length === 0 ? guest : { ...guest, toConfirm };
  });
}

/** NICs of ports, also of the guests of other members of the cluster: these may run here, or have their grants here. */
function portNics(guests: readonly SurveyedGuest[], reading: HostReading): Map<Userid, OwnNic[]> {
  const nics = new Map(guests.map((guest) => [guest.userid, nicsOf(guest)]));
  for (const { userid, recorded } of guestsOfMembers(reading))
    nics.set(userid, [...(nics.get(userid) ?? []), ...wiredNics({ recorded })]);
  return nics;
}

function hadNics({ guests }: Checkpoint, userid: Userid): boolean {
  return (guests.get(userid)?.nics.length ?? 0) > 0;
}

const NOTHING_WANTED: ReadonlyMap<PortId, WantedPort> = new Map();

/** Neutron's ports on the host and its DHCP node: two calls each, however many there are, and one more when some are missing that were there. */
async function readPorts(
  { neutron, rules }: HostRuntime,
  before: readonly PortId[],
  notNow: ReadonlySet<PortId>,
): Promise<{ ports?: NeutronPort[]; problem?: string }> {
  if (neutron === undefined) return {};
  try {
    const hosts = neutronHosts(rules);
    const listed = (await Promise.all(hosts.map((name) => neutron.portsOfHost(name)))).flat();
    const known = new Set(listed.map((port) => port.portId));
    // A list may be short, as for a user who may not see all ports: a missing port is looked up by its id before it counts as gone.
    const missing = await neutron.ports(before.filter((portId) => !known.has(portId)));
    const asked = { rules, before: new Set(before), notNow };
    return { ports: await boundPorts(neutron, [...listed, ...missing], asked) };
  } catch (error) {
    // z/VM is repaired by what is recorded while Neutron is away.
    if (error instanceof NeutronError) return { problem: `${error.message}: ${error.advice}` };
    throw error;
  }
}

/**
 * Statuses to report now, and those that may have to be reported of guests that are repaired now or cannot be. Of a guest that failed before and is not
 * looked at, it was told; somebody else may have put it right since. Of one that there was no time to look at, nothing is known.
 */
function statusesToTell(
  { statuses, unconfirmed }: NeutronSurvey,
  { candidates, failed, unread }: Found,
  later: Later,
  unreported: readonly PortId[],
): PortStatus[] {
  const untold = new Set(unreported);
  const drifted = new Set(candidates.map(({ userid }) => userid));
  const broken = subjectsOf(failed);
  return statuses
    .filter(({ userid, portId }) => userid === undefined || !later.userids.has(userid) || untold.has(portId))
    .filter(({ userid }) => userid === undefined || !unread.has(userid))
    .filter(
      ({ userid, portId }) =>
        userid === undefined || unconfirmed.has(portId) || drifted.has(userid) || concerns(broken, { portId, userid }),
    );
}

function unwired({ recorded, wanted }: SurveyedGuest): number {
  const isUnwired = (row: RecordedPort) => row.vswitch === undefined && row.unreadable === undefined;
  return recorded.filter((row) => isUnwired(row) && !wanted.has(row.portId)).length;
}
