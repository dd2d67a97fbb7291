import type { HostReading, Reading, ServerNics } from '../backend/reading.ts';
import { looksDown } from '../domain/drift/admin-state-doubt.ts';
import { type Doubt, doubtsOf, notCoupledPorts, type SurveyedGuest } from '../domain/drift/drift.ts';
import { type Finding, findingText } from '../domain/drift/finding.ts';
import { foreignOn } from '../domain/drift/foreign.ts';
import { unclearPorts } from '../domain/drift/unclear-ports.ts';
import { type Absence, isGone } from '../domain/guest/absence.ts';
import { absenceLine } from '../domain/guest/absent-guest.ts';
import type { EntryNic, EntryNics } from '../domain/guest/entry-nics.ts';
import type { RecordedPort } from '../domain/guest/guest.ts';
import { type GuestMemory, type HostMemory, NOTHING_REMEMBERED, type OwnNic } from '../domain/host/host-memory.ts';
import type { NeutronPort, WantedPort } from '../domain/host/neutron-port.ts';
import type { Change } from '../domain/operations/requests.ts';
import { decide } from '../domain/planning/decision.ts';
import { plan } from '../domain/planning/planner.ts';
import { describeRefusals, type RefusedPort } from '../domain/planning/refusal.ts';
import { planVswitch } from '../domain/planning/vswitch-plan.ts';
import { PortId, type Userid, type VswitchName } from '../domain/text/identifiers.ts';
import type { Rdev } from '../domain/vswitch/rdev.ts';
import type { Vswitch } from '../domain/vswitch/vswitch.ts';
import { vswitchSentence } from '../domain/vswitch/vswitch-sentence.ts';
import { NeutronError } from '../neutron/errors.ts';
import type { Candidate, FailedGuest, PortStatus, Survey, SurveyInput } from '../workflows/host-activities.ts';
import { lacksDhcp } from './dhcp.ts';
import { asActivityFailure } from './failures.ts';
import { readMemory, writeMemory } from './host-memory.ts';
import type { HostRuntime } from './host-runtime.ts';
import { memoryOf, type NeutronSurvey, NO_NEUTRON, surveyNeutron } from './neutron-survey.ts';
import { boundPorts, neutronHosts } from './neutron-view.ts';
import { settingsOf } from './vswitches.ts';

/** Guests that one survey reads for themselves because of a doubt; others have their turn in the next. */
const MOST_READ = 200;
/** Guests that one run repairs; when there are more, the next follows at once. */
const MOST_CANDIDATES = 1_000;
const MOST_LINES = 100;
/** A sweep reads at most so many guests a run. */
const MOST_SWEPT = 200;

/**
 * Read the whole host and find what is not as it is recorded. Four calls to xCAT, one or two more when guests have to be read for themselves, and
 * one in ten minutes for profiles of the directory: no more for many ports than for few. Throws a BackendError when the host cannot be read.
 */
export async function surveyHost(host: HostRuntime, input: SurveyInput, signal: AbortSignal): Promise<Survey> {
  const memory = readMemory(input.memory);
  host.backend.entries.recall(memory.entries);
  const swept = sliceOf(memory, input);
  const slice = swept.filter((userid) => memory.guests.has(userid));
  const others = swept.filter((userid) => !memory.guests.has(userid));
  const later = notNow(input);
  const [reading, nics, { ports, problem }] = await Promise.all([
    host.backend.readHost({ userids: slice, survey: true, entriesOf: others }),
    host.backend.readServerNics(signal),
    readPorts(host, memory.neutron?.ports ?? [], later),
  ]);
  signal.throwIfAborted();
  const neutron =
    ports === undefined
      ? { ...NO_NEUTRON, memory: memory.neutron }
      : surveyNeutron(ports, reading, host.rules, memory, input);
  const guests = withAdminStateDoubts(surveyed(reading, memory, neutron), reading.vswitches, memory);
  const found = await examine(host, reading, guests, slice, later, input.now);
  const rdevs = rdevsToRemember(host, reading.vswitches, memory.rdevs);
  const missing = vswitchesToEnsure(host, reading.vswitches, nics, rdevs);
  const foreign = foreignOn(
    reading.vswitches,
    new Set(host.rules.vswitches.map((each) => each.vswitch)),
    new Map(guests.map((guest) => [guest.userid, nicsOf(guest)])),
    new Set([nics.userid ?? '', reading.agent]),
  );
  host.backend.entries.keepOnly(reading.guests);
  const coupled = new Set(reading.vswitches.flatMap(({ nics }) => nics.flatMap(({ userid }) => userid ?? [])));
  const iplTime = reading.iplTime ?? memory.iplTime;
  const ipl = memory.iplTime !== undefined && memory.iplTime !== iplTime;
  return {
    examined: guests.length,
    candidates: found.candidates.slice(0, MOST_CANDIDATES),
    more: found.candidates.length > MOST_CANDIDATES,
    skipped: found.skipped,
    failed: [
      ...found.failed,
      ...reading.orphans.map(({ of, reason }) => failure(of, reason, 0)),
      ...withoutUplinks(host, reading.vswitches, rdevs, input.now),
      ...guests.flatMap((guest) => unclearPorts(guest, reading.vswitches)).map(unusable),
      ...neutron.unusable.map(unusable),
      ...(problem === undefined ? [] : [failure('Neutron', problem, 0)]),
    ],
    waiting: neutron.waiting + guests.reduce((sum, guest) => sum + unwired(guest), 0),
    foreign: foreign.length,
    foreignLines: foreign.slice(0, MOST_LINES),
    findings: [...reading.findings, ...found.findings].map(findingText).slice(0, MOST_LINES),
    vswitches: missing,
    managementNetwork: host.rules.managementNetwork !== undefined && nics.here && !nics.coupled,
    dhcp: lacksDhcp(host, reading),
    reIpled: ipl,
    statuses: statusesToTell(neutron, found, later, input.unreported),
    memory: writeMemory({
      ...memoryOf(neutron, new Set([...later.keys(), ...found.unread, ...found.failed.map(({ userid }) => userid)])),
      ...(rdevs.size === 0 ? {} : { rdevs }),
      ...(iplTime === undefined ? {} : { iplTime }),
      toConfirm: guests.flatMap((guest) => found.toConfirm.get(guest.userid) ?? guest.toConfirm ?? []),
      ...(swept.at(-1) === undefined ? {} : { sweptUpTo: swept.at(-1) as Userid }),
      entries: entriesToRemember(host, reading, guests),
      guests: new Map(
        guests
          .map((guest) => ({ guest, memory: remember(guest, found, coupled) }))
          .filter((each) => each.guest.absent !== true || each.memory.nics.length > 0)
          .map((each) => [each.guest.userid, each.memory]),
      ),
    }),
  };
}

/** What is known of entries, and the guests without ports of ours that the sweep has still to come to. */
function entriesToRemember(host: HostRuntime, reading: HostReading, guests: readonly SurveyedGuest[]): EntryNics {
  const ours = new Set(guests.map(({ userid }) => userid));
  const others = [...reading.guests].filter((userid) => !ours.has(userid)).map((userid) => [userid, []] as const);
  const known = [...host.backend.entries.known].filter(([userid, nics]) => nics.length > 0 || !ours.has(userid));
  return new Map<Userid, readonly EntryNic[]>([...others, ...known]);
}

/** The guests whose directory entries are looked at this time: all of them once in a sweep. */
function sliceOf(memory: HostMemory, { intervalSeconds, sweepSeconds }: SurveyInput): Userid[] {
  const userids = [...new Set([...memory.guests.keys(), ...memory.entries.keys()])].toSorted();
  const size = Math.min(MOST_SWEPT, Math.ceil((userids.length * intervalSeconds) / sweepSeconds));
  const after = memory.sweptUpTo;
  const start = after === undefined ? 0 : userids.findIndex((userid) => userid > after);
  const rest = start < 0 ? userids : userids.slice(start);
  return rest.slice(0, size);
}

function surveyed(reading: HostReading, memory: HostMemory, neutron: NeutronSurvey): SurveyedGuest[] {
  const userids = new Set([...reading.recorded.keys(), ...memory.guests.keys(), ...neutron.wanted.keys()]);
  const owners = new Map([...neutron.wanted].flatMap(([userid, ports]) => [...ports.keys()].map((id) => [id, userid])));
  const isUnwanted = (userid: Userid, portId: PortId) =>
    neutron.unwanted.has(portId) || (owners.get(portId) ?? userid) !== userid;
  return [...userids]
    .filter((userid) => reading.recorded.has(userid) || reading.guests.has(userid) || hadNics(memory, userid))
    .map((userid) => {
      const recorded = reading.recorded.get(userid) ?? [];
      return {
        userid,
        recorded,
        hidesRows: reading.hidesRows.has(userid),
        nicsOfOthers: reading.nicsOfOthers.get(userid) ?? [],
        remembered: memory.guests.get(userid),
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
function withAdminStateDoubts(
  guests: readonly SurveyedGuest[],
  vswitches: readonly Vswitch[],
  memory: HostMemory,
): SurveyedGuest[] {
  const isFirst = memory === NOTHING_REMEMBERED;
  const before = new Set(memory.toConfirm);
  if (!isFirst && before.size === 0) return [...guests];
  return guests.map((guest) => {
    const toConfirm = notCoupledPorts(guest, vswitches).filter((portId) => isFirst || before.has(portId));
    return toConfirm.length === 0 ? guest : { ...guest, toConfirm };
  });
}

function hadNics({ guests }: HostMemory, userid: Userid): boolean {
  return (guests.get(userid)?.nics.length ?? 0) > 0;
}

const NOTHING_WANTED: ReadonlyMap<PortId, WantedPort> = new Map();

/** Neutron's ports on the host and its DHCP node: two calls each, however many there are, and one more when some are missing that were there. */
async function readPorts(
  { neutron, rules }: HostRuntime,
  before: readonly PortId[],
  notNow: ReadonlyMap<string, FailedGuest>,
): Promise<{ ports?: NeutronPort[]; problem?: string }> {
  if (neutron === undefined) return {};
  try {
    const hosts = neutronHosts(rules);
    const listed = (await Promise.all(hosts.map((name) => neutron.portsOfHost(name)))).flat();
    const known = new Set(listed.map((port) => port.portId));
    // What depends on a port's absence is not done because a list was short, as it is for a user who may not see all.
    const missing = await neutron.ports(before.filter((portId) => !known.has(portId)));
    const asked = { rules, before: new Set(before), notNow: new Set(notNow.keys()) };
    return { ports: await boundPorts(neutron, [...listed, ...missing], asked) };
  } catch (error) {
    // z/VM is repaired by what is recorded while Neutron is away.
    if (error instanceof NeutronError) return { problem: `${error.message}: ${error.advice}` };
    throw error;
  }
}

type Found = {
  candidates: Candidate[];
  skipped: number;
  failed: FailedGuest[];
  settled: Set<Userid>;
  /** In doubt, but not looked at in this run. */
  unread: Set<Userid>;
  /** Guests that were looked at, and z/VM has. */
  seen: Set<Userid>;
  /** Of guests that were looked at: the ports whose admin state is still to be confirmed. */
  toConfirm: Map<Userid, PortId[]>;
  findings: Finding[];
};

async function examine(
  host: HostRuntime,
  reading: HostReading,
  guests: readonly SurveyedGuest[],
  slice: readonly Userid[],
  later: ReadonlyMap<string, FailedGuest>,
  now: number,
): Promise<Found> {
  const swept = new Set(slice);
  const candidates: Candidate[] = [];
  const settled = new Set<Userid>();
  const seen = new Set<Userid>();
  const toConfirm = new Map<Userid, PortId[]>();
  const looked: { guest: SurveyedGuest; doubt: Doubt }[] = [];
  for (const guest of guests) {
    const doubt = doubtsOf(guest, reading.vswitches);
    if (later.has(guest.userid)) continue;
    if (guest.absent === true) looked.push({ guest, doubt });
    else if (doubt.certain) candidates.push(candidateOf(guest, doubt));
    else if (doubt.lines.length > 0 || swept.has(guest.userid) || guest.toConfirm !== undefined)
      looked.push({ guest, doubt });
  }
  const inSlice = looked.filter(({ guest }) => swept.has(guest.userid));
  const unswept = looked
    .filter(({ guest }) => !swept.has(guest.userid))
    // A guest that was looked at and waits for an operator comes last.
    .toSorted((one, other) => Number(one.doubt.lines.length === 0) - Number(other.doubt.lines.length === 0));
  const others = unswept.slice(0, MOST_READ);
  const unread = new Set(unswept.slice(MOST_READ).map(({ guest }) => guest.userid));
  const read =
    others.length === 0
      ? undefined
      : (await host.backend.readHost({ userids: others.map(({ guest }) => guest.userid) })).read;
  const failed: FailedGuest[] = stillFailed(later, guests);
  const findings: Finding[] = [];
  for (const { guest, doubt, by } of [
    ...inSlice.map((each) => ({ ...each, by: reading.read })),
    ...others.map((each) => ({ ...each, by: read ?? reading.read })),
  ]) {
    const { steps, why, refused, absence, isDown, unread } = stepsFor(guest, doubt, by);
    findings.push(...unread);
    if (isDown !== undefined) toConfirm.set(guest.userid, isDown);
    if (steps !== undefined && absence === undefined) seen.add(guest.userid);
    failed.push(...refused.map(({ portId, refusals }) => failure(portId, describeRefusals(refusals), now)));
    if (steps === undefined) failed.push(failure(guest.userid, why, now));
    else if (steps === 0 && isSettled(guest, absence)) settled.add(guest.userid);
    else if (steps === 0) failed.push(...unowned(guest, absence, now));
    else candidates.push(candidateOf(guest, doubt, absence));
  }
  const skipped = guests.filter((guest) => later.has(guest.userid)).length;
  return { candidates, skipped, failed, settled, unread, seen, toConfirm, findings };
}

/** What is left of a guest that is not here is looked at in every run. */
function isSettled({ recorded }: SurveyedGuest, absence: Absence | undefined): boolean {
  return absence === undefined || (recorded.length === 0 && (absence.kind === 'elsewhere' || isGone(absence)));
}

/** NICs that ports had whose rows have gone with the node; it is no failure of the guest, which would be looked at later and later. */
function unowned({ userid, recorded }: SurveyedGuest, absence: Absence | undefined, now: number): FailedGuest[] {
  if (absence === undefined || recorded.length > 0) return [];
  const advice = 'define its node again, or remove NICs and grants that are not wanted';
  return [failure(`node of ${userid}`, `${absenceLine(userid, absence)} (${advice})`, now)];
}

/** What failed before and is tried again by a later run. */
function notNow({ failed, now }: SurveyInput): Map<string, FailedGuest> {
  const later = failed.filter((guest) => guest.notBefore > now && !guest.userid.startsWith(UPLINKS_OF));
  return new Map(later.map((guest) => [guest.userid, guest]));
}

/** Of failures before this run those that nobody looks at in it: a port of a guest that is read is found anew, or has become right. */
function stillFailed(later: ReadonlyMap<string, FailedGuest>, guests: readonly SurveyedGuest[]): FailedGuest[] {
  const unread = new Set<string>(
    guests.filter(({ userid }) => later.has(userid)).flatMap(({ wanted }) => [...wanted.keys()]),
  );
  return [...later.values()].filter(({ userid: what }) => !PortId.safeParse(what).success || unread.has(what));
}

/**
 * What is to be told now, and what may have to be told of guests that are repaired now or cannot be. Of a guest that failed before and is not
 * looked at, it was told; somebody else may have put it right since. Of one that there was no time to look at, nothing is known.
 */
function statusesToTell(
  { statuses, unconfirmed }: NeutronSurvey,
  { candidates, failed, unread }: Found,
  later: ReadonlyMap<string, FailedGuest>,
  unreported: readonly PortId[],
): PortStatus[] {
  const untold = new Set(unreported);
  const concerned = new Set<string>([...candidates, ...failed].map(({ userid }) => userid));
  return statuses
    .filter(({ userid, portId }) => userid === undefined || !later.has(userid) || untold.has(portId))
    .filter(({ userid }) => userid === undefined || !unread.has(userid))
    .filter(
      ({ userid, portId }) =>
        userid === undefined || unconfirmed.has(portId) || concerned.has(userid) || concerned.has(portId),
    );
}

type Looked = {
  steps: number | undefined;
  why: string;
  refused: RefusedPort[];
  unread: readonly Finding[];
  absence?: Absence;
  /** Of the ports to confirm those that z/VM really has as if they were down, or nobody can tell. */
  isDown?: PortId[];
};

/** How many steps the guest needs, or why that cannot be said. */
function stepsFor(guest: SurveyedGuest, doubt: Doubt, read: (userid: Userid) => Reading): Looked {
  try {
    const around = read(guest.userid);
    const unread = unreadOf(around);
    const { absence } = around.guest;
    const decision = decide(changeOf(guest, doubt), { ...around, avoidMacs: new Set() });
    if (!decision.accepted)
      return { steps: undefined, why: decision.refusals.map(({ reason }) => reason).join('; '), refused: [], unread };
    const steps = plan(decision.desired, around.guest, around.vswitches).length;
    const isDown = around.guest.recorded
      .filter((row) => guest.toConfirm?.includes(row.portId) === true)
      .filter((row) => row.unreadable !== undefined || looksDown(row, around.guest))
      .map(({ portId }) => portId);
    const absent = absence === undefined ? {} : { absence };
    return { steps, why: '', refused: decision.refused, unread, isDown, ...absent };
  } catch (error) {
    return { steps: undefined, why: asActivityFailure(error).message, refused: [], unread: [] };
  }
}

/** Rows without a port are found with the whole host. */
function unreadOf({ findings }: Reading): Finding[] {
  return findings.filter(({ of }) => of.startsWith('guest '));
}

function candidateOf(guest: SurveyedGuest, doubt: Doubt, absence?: Absence): Candidate {
  const lines = linesOf(guest.userid, doubt, absence);
  // The directory alone tells whether a port that is to be confirmed looks down.
  const mayBeAsRecorded = doubt.certain && doubt.authorisationsOnly && guest.toConfirm === undefined;
  const unread = mayBeAsRecorded ? { directory: 'asRecorded' as const } : {};
  return { userid: guest.userid, change: changeOf(guest, doubt), lines, ...unread };
}

function linesOf(userid: Userid, { lines }: Doubt, absence: Absence | undefined): string[] {
  if (absence !== undefined) return [absenceLine(userid, absence)];
  return lines.length > 0 ? lines : [`the directory entry of ${userid} is not as recorded`];
}

function changeOf(
  { remembered, toConfirm = [] }: SurveyedGuest,
  { vanished, left, ports, unwanted }: Doubt,
): Extract<Change, { kind: 'reconcile' }> {
  const nics = remembered?.seen === true ? { remembered: [...remembered.nics] } : {};
  const rest = { removed: unwanted, unrecorded: vanished, left, toConfirm: [...toConfirm] };
  return { kind: 'reconcile', ports, ...rest, ...nics };
}

function unusable({ portId, reason }: { portId: PortId; reason: string }): FailedGuest {
  return failure(portId, reason, 0);
}

function failure(userid: string, reason: string, now: number): FailedGuest {
  return { userid, reason, attempts: 1, notBefore: now };
}

function remember(guest: SurveyedGuest, { settled, seen }: Found, coupled: ReadonlySet<Userid>): GuestMemory {
  const wired = wiredNics(guest);
  const isReadable = !guest.hidesRows && guest.recorded.every((row) => row.unreadable === undefined);
  // What has vanished is kept in mind until a reading of the guest finds nothing of it.
  const vanished =
    settled.has(guest.userid) && isReadable
      ? []
      : (guest.remembered?.nics ?? []).filter((nic) => !wired.some((other) => other.vdev === nic.vdev));
  return {
    nics: [...wired, ...vanished],
    // A guest with a NIC that is coupled has been logged on: one that is not coupled, then, is no more as it should be.
    settled: settled.has(guest.userid) || (guest.remembered?.settled === true && !coupled.has(guest.userid)),
    seen: seen.has(guest.userid) || coupled.has(guest.userid) || guest.remembered?.seen === true,
  };
}

function nicsOf(guest: SurveyedGuest): OwnNic[] {
  return [...wiredNics(guest), ...(guest.remembered?.nics ?? [])];
}

function wiredNics({ recorded }: SurveyedGuest): OwnNic[] {
  return recorded.flatMap(({ vdev, vswitch }) =>
    vdev === undefined || vswitch === undefined ? [] : [{ vdev, vswitch }],
  );
}

function unwired({ recorded, wanted }: SurveyedGuest): number {
  const isUnwired = (row: RecordedPort) => row.vswitch === undefined && row.unreadable === undefined;
  return recorded.filter((row) => isUnwired(row) && !wanted.has(row.portId)).length;
}

/** VSWITCHes of the configuration that are gone or changed, with what is to be done; one that says nothing of how to make it counts too. */
function vswitchesToEnsure(
  host: HostRuntime,
  vswitches: readonly Vswitch[],
  { administrators }: ServerNics,
  rdevs: ReadonlyMap<VswitchName, readonly Rdev[]>,
): Survey['vswitches'] {
  return host.rules.vswitches.flatMap((allowed) => {
    const vswitch = vswitches.find(({ name }) => name === allowed.vswitch);
    // What is not understood of one is a finding.
    if (administrators.includes(allowed.vswitch) || vswitch?.unclear !== undefined) return [];
    const hidesUplinks = vswitch?.uplinksHidden === true;
    const settings = hidesUplinks ? { ...settingsOf(allowed), rdevs: [] } : settingsOf(allowed);
    const hadRdevs = hidesUplinks ? [] : [...(rdevs.get(allowed.vswitch) ?? [])];
    const around = { host: host.rules.host, vswitches, settings, administrators, hadRdevs };
    const { steps, refusals } = planVswitch(allowed.vswitch, around);
    const lines = [...steps.map(vswitchSentence), ...refusals.map(({ reason }) => reason)];
    const had = hadRdevs.length === 0 ? {} : { hadRdevs };
    return lines.length === 0 ? [] : [{ vswitch: allowed.vswitch, lines, ...had }];
  });
}

/** The real devices of VSWITCHes of the configuration that does not name them; of one that is gone, or has none any more, those that it had. */
function rdevsToRemember(
  { rules }: HostRuntime,
  vswitches: readonly Vswitch[],
  before: HostMemory['rdevs'],
): Map<VswitchName, readonly Rdev[]> {
  const unnamed = rules.vswitches.filter(({ rdevs }) => rdevs.length === 0);
  const entries = unnamed.map(({ vswitch: name }): [VswitchName, readonly Rdev[]] => {
    const uplinks = vswitches.find((vswitch) => vswitch.name === name)?.uplinks ?? [];
    return [name, uplinks.length > 0 ? uplinks.map(({ rdev }) => rdev) : (before?.get(name) ?? [])];
  });
  return new Map(entries.filter(([, rdevs]) => rdevs.length > 0));
}

const UPLINKS_OF = 'uplinks of ';

/** Somebody has made a VSWITCH anew without what connected it, or has taken that away: it may be meant, and is told. */
function withoutUplinks(
  { rules }: HostRuntime,
  vswitches: readonly Vswitch[],
  rdevs: ReadonlyMap<VswitchName, readonly Rdev[]>,
  now: number,
): FailedGuest[] {
  return vswitches.flatMap(({ name, uplinks, uplinksHidden, unclear }) => {
    const had = rdevs.get(name);
    // Uplinks that the answer does not show may be there.
    if (had === undefined || uplinks.length > 0 || uplinksHidden === true || unclear !== undefined) return [];
    const reason = `VSWITCH ${name} of ${rules.host} has no real device any more; it had ${had.join(', ')}. Name them as rdev_list in [${name}], or give them back`;
    return [failure(`${UPLINKS_OF}${name}`, reason, now)];
  });
}
