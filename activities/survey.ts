import { decide } from '../network/decision.ts';
import { type Doubt, doubtsOf, type SurveyedGuest, type WantedPort } from '../network/drift.ts';
import { foreignOn } from '../network/foreign.ts';
import type { GuestMemory, HostMemory, OwnNic } from '../network/host-memory.ts';
import type { PortId, Userid, VswitchName } from '../network/identifiers.ts';
import { plan } from '../network/planner.ts';
import { sameNetwork } from '../network/port.ts';
import type { Change, PortRequest } from '../network/requests.ts';
import type { Vswitch } from '../network/vswitch.ts';
import { planVswitch } from '../network/vswitch-plan.ts';
import { vswitchSentence } from '../network/vswitch-sentence.ts';
import type { Candidate, FailedGuest, Survey, SurveyInput } from '../workflows/host-activities.ts';
import { dhcpPorts } from './dhcp.ts';
import { asActivityFailure } from './failures.ts';
import { type HostReading, type Reading, readGuests, readHost } from './guest-reading.ts';
import { readMemory, writeMemory } from './host-memory.ts';
import type { HostRuntime } from './host-runtime.ts';
import { type ManagementNodeNics, managementNodeNics } from './management-node.ts';
import { settingsOf } from './vswitches.ts';

/** Guests that one survey reads for themselves because of a doubt; others have their turn in the next. */
const MOST_READ = 200;
/** Guests that one run repairs; when there are more, the next follows at once. */
const MOST_CANDIDATES = 1_000;
const MOST_LINES = 100;
/** A sweep reads at most so many guests a run. */
const MOST_SWEPT = 200;

/**
 * Read the whole host and find what is not as it is recorded. Four calls to xCAT, and one or two more when guests have to be read for themselves:
 * no more for many ports than for few. Throws an XcatError when the host cannot be read.
 */
export async function surveyHost(host: HostRuntime, input: SurveyInput, signal: AbortSignal): Promise<Survey> {
  const memory = readMemory(input.memory);
  const slice = sliceOf(memory, input);
  const [reading, nics, wanted] = await Promise.all([
    readHost(host, slice, true),
    managementNodeNics(host, signal),
    host.wanted?.() ?? new Map<PortId, WantedPort>(),
  ]);
  signal.throwIfAborted();
  const guests = surveyed(reading, memory, wanted);
  const found = await examine(host, reading, guests, slice, input);
  const missing = vswitchesToEnsure(host, reading.vswitches, nics);
  const foreign = foreignOn(
    reading.vswitches,
    new Set(host.rules.vswitches.map((each) => each.vswitch)),
    new Map(guests.map((guest) => [guest.userid, nicsOf(guest)])),
    new Set([nics.userid ?? '', reading.zhcp]),
  );
  const ipl = memory.iplTime !== undefined && memory.iplTime !== reading.iplTime;
  return {
    examined: guests.length,
    candidates: found.candidates.slice(0, MOST_CANDIDATES),
    more: found.candidates.length > MOST_CANDIDATES,
    skipped: found.skipped,
    failed: [...found.failed, ...orphans(reading)],
    waiting: guests.reduce((sum, guest) => sum + unwired(guest, wanted), 0),
    foreign: foreign.length,
    foreignLines: foreign.slice(0, MOST_LINES),
    vswitches: missing,
    managementNetwork: host.rules.managementNetwork !== undefined && nics.here && !nics.coupled,
    dhcp: lacksDhcp(host, reading),
    reIpled: ipl,
    memory: writeMemory({
      ...(reading.iplTime === undefined ? {} : { iplTime: reading.iplTime }),
      ...(slice.at(-1) === undefined ? {} : { sweptUpTo: slice.at(-1) as Userid }),
      guests: new Map(guests.map((guest) => [guest.userid, remember(guest, found.settled)])),
    }),
  };
}

/** The guests whose directory entries are looked at this time: all of them once in a sweep. */
function sliceOf(memory: HostMemory, { intervalSeconds, sweepSeconds }: SurveyInput): Userid[] {
  const userids = [...memory.guests.keys()].toSorted();
  const size = Math.min(MOST_SWEPT, Math.ceil((userids.length * intervalSeconds) / sweepSeconds));
  const after = memory.sweptUpTo;
  const start = after === undefined ? 0 : userids.findIndex((userid) => userid > after);
  const rest = start < 0 ? userids : userids.slice(start);
  return rest.slice(0, size);
}

function surveyed(reading: HostReading, memory: HostMemory, wanted: ReadonlyMap<PortId, WantedPort>): SurveyedGuest[] {
  const guests = new Map(
    [...reading.recorded].map(([userid, recorded]): [Userid, SurveyedGuest] => [
      userid,
      { userid, recorded, remembered: memory.guests.get(userid), wanted },
    ]),
  );
  for (const [userid, remembered] of memory.guests) {
    // A guest that is gone has no NICs; its grants are seen as foreign.
    if (!guests.has(userid) && reading.guests.has(userid))
      guests.set(userid, { userid, recorded: [], remembered, wanted });
  }
  return [...guests.values()];
}

type Found = { candidates: Candidate[]; skipped: number; failed: FailedGuest[]; settled: Set<Userid> };

async function examine(
  host: HostRuntime,
  reading: HostReading,
  guests: readonly SurveyedGuest[],
  slice: readonly Userid[],
  { failed: failedBefore, now }: SurveyInput,
): Promise<Found> {
  const notNow = new Map(failedBefore.filter((guest) => guest.notBefore > now).map((guest) => [guest.userid, guest]));
  const swept = new Set(slice);
  const candidates: Candidate[] = [];
  const settled = new Set<Userid>();
  const looked: { guest: SurveyedGuest; doubt: Doubt }[] = [];
  for (const guest of guests) {
    const doubt = doubtsOf(guest, reading.vswitches);
    if (notNow.has(guest.userid)) continue;
    if (doubt.certain) candidates.push(candidateOf(guest, doubt));
    else if (doubt.lines.length > 0 || swept.has(guest.userid)) looked.push({ guest, doubt });
  }
  const inSlice = looked.filter(({ guest }) => swept.has(guest.userid));
  const others = looked.filter(({ guest }) => !swept.has(guest.userid)).slice(0, MOST_READ);
  const read =
    others.length === 0
      ? undefined
      : await readGuests(
          host,
          others.map(({ guest }) => guest.userid),
        );
  const failed: FailedGuest[] = [...notNow.values()];
  for (const { guest, doubt, by } of [
    ...inSlice.map((each) => ({ ...each, by: reading.read })),
    ...others.map((each) => ({ ...each, by: read ?? reading.read })),
  ]) {
    const steps = stepsFor(guest, doubt, by);
    if (typeof steps === 'string') failed.push(failure(guest.userid, steps, now));
    else if (steps === 0) settled.add(guest.userid);
    else candidates.push(candidateOf(guest, doubt));
  }
  const skipped = guests.filter((guest) => notNow.has(guest.userid)).length;
  return { candidates, skipped, failed, settled };
}

/** How many steps the guest needs, or why that cannot be said. */
function stepsFor(guest: SurveyedGuest, doubt: Doubt, read: (userid: Userid) => Reading): number | string {
  try {
    const around = read(guest.userid);
    const decision = decide(changeOf(doubt), { ...around, avoidMacs: new Set() });
    if (!decision.accepted) return decision.refusals.map(({ reason }) => reason).join('; ');
    return plan(decision.desired, around.guest, around.vswitches).length;
  } catch (error) {
    return asActivityFailure(error).message;
  }
}

function candidateOf(guest: SurveyedGuest, doubt: Doubt): Candidate {
  const lines = doubt.lines.length > 0 ? doubt.lines : [`the directory entry of ${guest.userid} is not as recorded`];
  const unread = doubt.certain && doubt.authorisationsOnly ? { directory: 'asRecorded' as const } : {};
  return { userid: guest.userid, change: changeOf(doubt), lines, ...unread };
}

function changeOf({ vanished, left, ports }: Doubt): Extract<Change, { kind: 'reconcile' }> {
  return { kind: 'reconcile', ports, unrecorded: vanished, left };
}

/** A port without a guest that xCAT knows can not be repaired here. */
function orphans({ orphans: nodes }: HostReading): FailedGuest[] {
  return nodes.map((node) => failure(node, `xCAT knows no guest for node ${node}, which has ports of this host`, 0));
}

function failure(userid: string, reason: string, now: number): FailedGuest {
  return { userid, reason, attempts: 1, notBefore: now };
}

function remember(guest: SurveyedGuest, settled: ReadonlySet<Userid>): GuestMemory {
  const wired = wiredNics(guest);
  // What has vanished is kept in mind until a reading of the guest finds nothing of it.
  const vanished = settled.has(guest.userid)
    ? []
    : (guest.remembered?.nics ?? []).filter((nic) => !wired.some((other) => other.vdev === nic.vdev));
  return {
    nics: [...wired, ...vanished],
    settled: settled.has(guest.userid) || guest.remembered?.settled === true,
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

function unwired({ recorded }: SurveyedGuest, wanted: ReadonlyMap<PortId, WantedPort>): number {
  return recorded.filter((row) => row.vswitch === undefined && !wanted.has(row.portId)).length;
}

/** True when the host's DHCP node has not the ports that the configuration gives it. */
function lacksDhcp(host: HostRuntime, { recorded }: HostReading): boolean {
  const { dhcpUserid } = host.rules;
  if (dhcpUserid === undefined) return false;
  const rows = recorded.get(dhcpUserid) ?? [];
  const isRecorded = ({ portId, vswitch, network }: PortRequest) =>
    rows.some((row) => row.portId === portId && row.vswitch === vswitch && sameNetwork(row.network, network));
  return !dhcpPorts(host).every(isRecorded);
}

/** VSWITCHes of the configuration that are gone or changed, with what is to be done; one that says nothing of how to make it counts too. */
function vswitchesToEnsure(
  host: HostRuntime,
  vswitches: readonly Vswitch[],
  { administrators }: ManagementNodeNics,
): { vswitch: VswitchName; lines: string[] }[] {
  return host.rules.vswitches.flatMap((allowed) => {
    if (administrators.includes(allowed.vswitch)) return [];
    const around = { host: host.rules.host, vswitches, settings: settingsOf(allowed), administrators };
    const { steps, refusals } = planVswitch(allowed.vswitch, around);
    const lines = [...steps.map(vswitchSentence), ...refusals.map(({ reason }) => reason)];
    return lines.length === 0 ? [] : [{ vswitch: allowed.vswitch, lines }];
  });
}
