import { defined } from '../../../domain/defined.ts';
import type { Finding } from '../../../domain/drift/finding.ts';
import type { MemberVswitches, PlaceInCluster, SsiCluster } from '../../../domain/host/ssi-cluster.ts';
import { messageOf } from '../../../domain/text/error-message.ts';
import { NodeName, type Userid } from '../../../domain/text/identifiers.ts';
import type { Vswitch } from '../../../domain/vswitch/vswitch.ts';
import { BackendError } from '../../backend-error.ts';
import type { TableView } from '../rows/guest-standing.ts';
import type { XcatHost } from '../xcat-host.ts';
import type { CommandOutcome } from '../zhcp/channel.ts';
import { parseSystem } from '../zhcp/level-parsers.ts';
import { answered } from '../zhcp/smapi-outcome.ts';
import { queryActiveDevices, queryLiveNics, querySystem, queryUser, queryVswitches } from '../zhcp/smcli.ts';
import { type DeviceOutcomes, isLoggedOnNowhere, isRunning } from './guest-devices.ts';
import { vswitchReading } from './vswitch-reading.ts';

/** A member beside the host itself, as one reading sees it. */
export type OtherMember = { zhcp: NodeName; vswitches: readonly Vswitch[] };

/** The other members of a host's SSI cluster, and the guests that they run. */
export type ClusterReading = {
  /** Undefined: the host is no member of one. */
  cluster: SsiCluster | undefined;
  /** Nodes of the zHCPs of all other members that are known. */
  zhcps: ReadonlySet<string>;
  /** Those of them that have answered. */
  others: readonly OtherMember[];
  findings: readonly Finding[];
  /** Where a guest is: its place, and what the member that runs it says of it. Throws a BackendError when nobody can say. */
  placeOf(userid: Userid, own: readonly Vswitch[]): PlaceInCluster & { on?: OtherMember & DeviceOutcomes };
};

/** No cluster. */
const ALONE: Omit<ClusterReading, 'placeOf'> = { cluster: undefined, zhcps: new Set(), others: [], findings: [] };

/** A zHCP that does not answer is left alone for so long, unless a guest that it may have is asked for. */
const REST_MS = 60_000;
/** An answer that takes longer is none: the zHCP of a member that is down must not hold up the others. */
const ANSWER_MS = 30_000;

type Answer = { zhcp: NodeName } & (
  | { member: OtherMember; guests: ReadonlyMap<Userid, DeviceOutcomes> }
  | { reason: string }
);

/**
 * Read the other members of the host's cluster: their VSWITCHes, and whether they run the guests that do not run on the host. One call to each,
 * side by side, and none on a system that is no member of a cluster.
 */
export async function readCluster(
  host: XcatHost,
  tables: TableView,
  outcomes: ReadonlyMap<Userid, DeviceOutcomes>,
): Promise<ClusterReading> {
  const { cluster, zhcps, findings } = await membersOf(host, tables);
  const alone = { ...ALONE, cluster, findings, placeOf: () => ({ others: [] }) };
  if (cluster === undefined) return alone;
  const away = [...outcomes].filter(([, { nics }]) => nics?.ran === true && !isRunning(nics)).map(([userid]) => userid);
  const [told, answers] = await Promise.all([
    whereabouts(host, away),
    Promise.all(zhcps.map((zhcp) => askMember(host, zhcp, tables.userids.get(zhcp), away))),
  ]);
  const members = answers.flatMap((answer) => ('member' in answer ? [answer] : []));
  const silent = answers.flatMap((answer) => ('reason' in answer ? [answer] : []));
  const others = members.map(({ member }) => member);
  return {
    cluster,
    zhcps: new Set<string>(zhcps),
    others,
    findings: [...findings, ...silent.map(({ zhcp, reason }) => ({ of: `member ${zhcp} of the SSI cluster`, reason }))],
    placeOf(userid, own) {
      const where = told.get(userid);
      if (where === undefined || where === 'nowhere') return { others: others.map(asOther) };
      if (where === 'here') throw notFound(userid, 'it has come back to the host during the reading', true);
      if (where !== 'elsewhere') throw notFound(userid, where.unknown, false);
      const found = members.find(({ guests }) => isRunning(guests.get(userid)?.nics));
      if (found === undefined) throw notFound(userid, notSeen(cluster, zhcps, silent), true);
      const { member, guests } = found;
      const elsewhere = others.filter((other) => other !== member).map(asOther);
      return {
        runsOn: member.zhcp,
        others: [{ vswitches: own }, ...elsewhere],
        on: { ...member, ...(guests.get(userid) ?? { nics: undefined }) },
      };
    },
  };
}

function asOther({ zhcp, vswitches }: OtherMember): MemberVswitches {
  return { member: zhcp, vswitches };
}

function notFound(userid: Userid, reason: string, retryable: boolean): BackendError {
  const operation = `find the member of the SSI cluster that runs ${userid}`;
  const advice = 'check that each member has a zHCP in xCAT that answers, or name them by zvm_ssi_members';
  return new BackendError({ code: 'bad-answer', operation, message: `${operation}: ${reason}`, advice, retryable });
}

function notSeen({ members }: SsiCluster, zhcps: readonly NodeName[], silent: readonly { zhcp: string }[]): string {
  if (silent.length > 0) return `no answer from ${silent.map(({ zhcp }) => zhcp).join(' and ')}`;
  if (zhcps.length < members.length - 1) return 'it is on one whose zHCP xCAT does not have';
  return 'it is on its way from one to another';
}

type Whereabouts = 'here' | 'elsewhere' | 'nowhere' | { unknown: string };

/** Where CP has guests that the zHCP's SMAPI says are not running. */
async function whereabouts({ xcat, rules }: XcatHost, userids: readonly Userid[]): Promise<Map<Userid, Whereabouts>> {
  if (userids.length === 0) return new Map();
  const outcomes = await xcat.channel(rules.zhcpNode).run(userids.map((userid) => [queryUser(userid)]));
  return new Map(userids.map((userid, index) => [userid, whereaboutsIn(outcomes[index])]));
}

function whereaboutsIn(outcome: CommandOutcome | undefined): Whereabouts {
  if (outcome?.ran !== true) return { unknown: 'CP was not asked' };
  const { output, exitStatus } = outcome;
  if (isLoggedOnNowhere(outcome)) return 'nowhere';
  const terminal = /^\s*\S{1,8}\s+-\s*(\S{1,8})/m.exec(output)?.[1];
  if (exitStatus !== 0 || terminal === undefined) return { unknown: 'CP does not say where it is logged on' };
  return terminal === 'SSI' ? 'elsewhere' : 'here';
}

async function askMember(
  { xcat, members: { silentUntil } }: XcatHost,
  zhcp: NodeName,
  zhcpUserid: Userid | undefined,
  away: readonly Userid[],
): Promise<Answer> {
  if (zhcpUserid === undefined) return { zhcp, reason: "its zHCP has no userid in xCAT's zvm table" };
  if (away.length === 0 && (silentUntil.get(zhcp) ?? 0) > Date.now())
    return { zhcp, reason: 'its zHCP does not answer' };
  try {
    const chains = [
      [queryVswitches(zhcpUserid, '*')],
      ...away.map((userid) => [queryLiveNics(userid)]),
      ...away.map((userid) => [queryActiveDevices(userid)]),
    ];
    const [switches, ...rest] = await xcat.channel(zhcp).run(chains, { signal: AbortSignal.timeout(ANSWER_MS) });
    const { vswitches } = vswitchReading(switches, []);
    const guests = away.map((userid, index): [Userid, DeviceOutcomes] => {
      return [userid, { nics: rest[index], active: rest[away.length + index] }];
    });
    silentUntil.delete(zhcp);
    return { zhcp, member: { zhcp, vswitches }, guests: new Map(guests) };
  } catch (error) {
    silentUntil.set(zhcp, Date.now() + REST_MS);
    return { zhcp, reason: messageOf(error) };
  }
}

type Found = { cluster: SsiCluster | undefined; zhcps: NodeName[]; findings: Finding[] };

/** The cluster by the configuration or else by z/VM, and the zHCPs of its other members that are known. */
async function membersOf(host: XcatHost, tables: TableView): Promise<Found> {
  const { rules, levels } = host;
  const { ssiMembers, zhcpNode } = rules;
  if (ssiMembers !== undefined) {
    const zhcps = ssiMembers.filter((zhcp) => zhcp !== zhcpNode);
    const members = [zhcpNode, ...zhcps].map((zhcp) => ({ zhcp }));
    return { cluster: zhcps.length === 0 ? undefined : { members }, zhcps, findings: [] };
  }
  const ssi = levels.ssi();
  if (ssi === undefined) return { cluster: undefined, zhcps: [], findings: [] };
  if ('unknown' in ssi) {
    const reason = `${ssi.unknown}; zvm_ssi_members can name its members`;
    return { cluster: undefined, zhcps: [], findings: [{ of: 'SSI cluster', reason }] };
  }
  const candidates = [...new Set([zhcpNode, ...tables.otherZhcps])].flatMap(
    (zhcp) => NodeName.safeParse(zhcp).data ?? [],
  );
  await learnSystems(host, candidates, ssi.systems);
  const zhcpOf = (system: string) => candidates.find((zhcp) => host.members.systems.get(zhcp) === system);
  const members = ssi.systems.map((system) => ({ system, ...defined({ zhcp: zhcpOf(system) }) }));
  const zhcps = members.flatMap(({ zhcp }) => (zhcp === undefined || zhcp === zhcpNode ? [] : [zhcp]));
  const findings = members
    .filter(({ zhcp }) => zhcp === undefined)
    .map(({ system }) => ({
      of: `member ${system} of the SSI cluster`,
      reason: 'xCAT has no zHCP of it that answers',
    }));
  return { cluster: { name: ssi.name, members }, zhcps, findings };
}

/** Ask zHCPs for their systems until those of all members are known. */
async function learnSystems(
  { xcat, members: { systems, silentUntil } }: XcatHost,
  candidates: readonly NodeName[],
  wanted: readonly string[],
): Promise<void> {
  const isKnown = () => wanted.every((system) => candidates.some((zhcp) => systems.get(zhcp) === system));
  if (isKnown()) return;
  const asked = candidates.filter((zhcp) => !systems.has(zhcp) && (silentUntil.get(zhcp) ?? 0) <= Date.now());
  await Promise.all(
    asked.map(async (zhcp) => {
      try {
        const [outcome] = await xcat.channel(zhcp).run([querySystem()], { signal: AbortSignal.timeout(ANSWER_MS) });
        systems.set(zhcp, parseSystem(answered('read the name of the z/VM system', outcome)));
      } catch {
        // Another reading asks again.
        silentUntil.set(zhcp, Date.now() + REST_MS);
      }
    }),
  );
}
