import { type Finding, quoteValue, type Report } from '../network/finding.ts';
import type { LiveNic, Nicdef, RecordedPort } from '../network/guest.ts';
import type { HostRules } from '../network/host.ts';
import { NodeName, Userid } from '../network/identifiers.ts';
import { type MacPrefix, macId } from '../network/mac.ts';
import { refusal } from '../network/refusal.ts';
import type { MacInUse, Surroundings } from '../network/surroundings.ts';
import type { Vdev } from '../network/vdev.ts';
import type { Vswitch } from '../network/vswitch.ts';
import type { CommandOutcome } from '../xcat/channel.ts';
import { XcatError } from '../xcat/errors.ts';
import { judge } from '../xcat/return-codes.ts';
import { queryDirectory, queryLiveNics, queryVmlan, queryVswitches, systemInfo } from '../xcat/smcli.ts';
import {
  isWholeDirectory,
  isWholeNicAnswer,
  parseDirectory,
  parseIplTime,
  parseLiveNics,
  parseVmlan,
} from '../xcat/smcli-parsers.ts';
import { dumpTable, type Row } from '../xcat/tables.ts';
import { addressesInTable, recordedAddressesOf } from './address-rows.ts';
import { completeAnswer } from './complete-answer.ts';
import { refusedFailure } from './failures.ts';
import { type HostRuntime, zhcpUserid } from './host-runtime.ts';
import { macEntriesOf, macsInTable, recordedPorts, rowsOfNobody, rowsWithoutPort, vdevsOfOthers } from './port-rows.ts';
import { failureOf } from './smapi-failure.ts';
import { vswitchReading } from './vswitch-reading.ts';

/** What is read of one guest and around it. */
export type Reading = Omit<Surroundings, 'avoidMacs'> & {
  /** What of the guest nobody can read. */
  findings: readonly Finding[];
};

/** What one reading found for all guests of a host. */
type HostView = {
  rules: HostRuntime['rules'];
  /** Throws an XcatError when z/VM has not said it: only who works on a guest needs it. */
  macPrefix: () => MacPrefix;
  zvmRows: ReadonlyMap<string, readonly Row[]>;
  zhcpRow: Row | undefined;
  switchRows: ReadonlyMap<string, readonly Row[]>;
  macRows: ReadonlyMap<string, readonly Row[]>;
  hostsRows: ReadonlyMap<string, readonly Row[]>;
  addressesInUse: Surroundings['addressesInUse'];
  vswitches: readonly Vswitch[];
  macsInUse: Surroundings['macsInUse'];
};

/**
 * Read all that decisions about guests look at: xCAT's tables and, side by side with them, from the zHCP the host's VSWITCHes, and each
 * guest's directory entry and live NICs. Answers a function that gives each guest its part, or throws: a `Refused` failure when host or
 * guest is not known, an XcatError when something cannot be read.
 */
export async function readGuests(
  host: HostRuntime,
  userids: readonly Userid[],
  directoryOf: (userid: Userid) => boolean = () => true,
): Promise<(userid: Userid) => Reading> {
  return (await readHost(host, userids, false, directoryOf)).read;
}

/** A whole host, and some of its guests in full. */
export type HostReading = {
  vswitches: readonly Vswitch[];
  /** The zHCP's userid. */
  zhcp: Userid;
  /** The host's guests. */
  guests: ReadonlySet<Userid>;
  /** The same by node name. */
  nodes: ReadonlyMap<string, Userid>;
  /** Ports that are recorded for this host, by guest. */
  recorded: ReadonlyMap<Userid, readonly RecordedPort[]>;
  /** Nodes with ports of this host that are no guests of it. */
  orphans: string[];
  /** Guests with rows of this host that name no port. */
  hidesRows: ReadonlySet<Userid>;
  /** NICs of the host's guests that rows of others are about. */
  nicsOfOthers: ReadonlyMap<Userid, readonly Vdev[]>;
  /** What of the host nobody can read. */
  findings: Finding[];
  iplTime: string | undefined;
  read: (userid: Userid) => Reading;
};

/** Read a host as readGuests does, with what is recorded of all of its guests. `survey`: tables in one call, and when z/VM was started. */
export async function readHost(
  host: HostRuntime,
  userids: readonly Userid[],
  survey = false,
  directoryOf: (userid: Userid) => boolean = () => true,
): Promise<HostReading> {
  const [tables, { vswitchOutcome, vmlanOutcome, systemOutcome, ofGuests }] = await Promise.all([
    readTables(host, survey ? MANY_GUESTS : userids.length),
    readZvm(host, userids, survey, directoryOf),
  ]);
  const { vswitches, findings } = vswitchReading(vswitchOutcome, host.rules.vswitches);
  const macPrefix = laterUnlessTransient(() => macPrefixIn(vmlanOutcome));
  const view: HostView = {
    ...tables,
    rules: host.rules,
    macPrefix,
    vswitches,
    macsInUse: Map.groupBy([...macsInTable(tables.allMacRows), ...macsOnVswitches(vswitches)], ({ mac }) => mac),
  };
  const iplTime = survey ? laterUnlessTransient(() => iplTimeIn(systemOutcome)) : undefined;
  const record = survey ? recordedOnHost(host, view, tables.zvmTable) : NOTHING_RECORDED;
  return {
    vswitches,
    zhcp: await host.zhcp.get(),
    ...record,
    findings: [
      ...findings,
      ...record.findings,
      ...(survey ? unread('MAC prefix', macPrefix) : []),
      ...(iplTime === undefined ? [] : unread('IPL time', iplTime)),
    ],
    iplTime: iplTime === undefined ? undefined : known(iplTime),
    read(userid) {
      return surroundingsOf(view, userid, ofGuests.get(userid));
    },
  };
}

/** What xCAT's tables say of a host's guests. */
export type HostRecord = Pick<
  HostReading,
  'guests' | 'nodes' | 'recorded' | 'orphans' | 'hidesRows' | 'nicsOfOthers' | 'findings'
>;

/** A node with ports of the host that xCAT has no guest for. */
export function orphanFinding(node: string): Finding {
  return { of: node, reason: `xCAT knows no guest for node ${node}, which has ports of this host` };
}

const NOTHING_RECORDED: HostRecord = {
  guests: new Set(),
  nodes: new Map(),
  recorded: new Map(),
  orphans: [],
  hidesRows: new Set(),
  nicsOfOthers: new Map(),
  findings: [],
};

/** Read xCAT's tables alone, in one call. */
export async function readRecord(host: HostRuntime): Promise<HostRecord> {
  const tables = await readTables(host, MANY_GUESTS);
  return recordedOnHost(host, { ...tables, rules: host.rules }, tables.zvmTable);
}

type RecordView = Pick<HostView, 'zhcpRow' | 'switchRows' | 'macRows'> & { rules: Pick<HostRules, 'zhcpNode'> };

function recordedOnHost(host: HostRuntime, view: RecordView, zvm: readonly Row[]): HostRecord {
  const { zhcpNode } = host.rules;
  const findings: Finding[] = [];
  const nodes = guestsOf(view, zvm, (finding) => findings.push(finding));
  const recorded = new Map<Userid, readonly RecordedPort[]>();
  const hidesRows = new Set<Userid>();
  const nicsOfOthers = new Map<Userid, readonly Vdev[]>();
  const zhcps = new Set(zvm.flatMap(({ hcp = '' }) => [hcp, hcp.split('.')[0] ?? '']));
  const orphans: string[] = [];
  for (const [node, rows] of view.switchRows) {
    const ports = recordedPorts(rows, macEntriesOf(view.macRows.get(node) ?? [], node), node, zhcpNode);
    const withoutPort = rowsWithoutPort(rows, node, zhcpNode);
    const userid = nodes.get(node);
    findings.push(...withoutPort);
    if (userid !== undefined) {
      if (withoutPort.length > 0) hidesRows.add(userid);
      nicsOfOthers.set(userid, vdevsOfOthers(rows, node, zhcpNode));
      findings.push(...rowsOfNobody(rows, node, zhcps));
    }
    if (ports.length === 0) continue;
    if (userid === undefined) orphans.push(node);
    else recorded.set(userid, ports);
  }
  return { guests: new Set(nodes.values()), nodes, recorded, orphans, hidesRows, nicsOfOthers, findings };
}

/** The host's guests, by node name. A row of the `zvm` table that is not understood hides none of the others. */
function guestsOf(view: RecordView, zvm: readonly Row[], report: Report): Map<string, Userid> {
  const guests = new Map<string, Userid>();
  for (const row of zvm) {
    if (!isHcpOf(view, row)) continue;
    const node = NodeName.safeParse(row.node ?? '').data;
    const userid = Userid.safeParse(row.userid ?? '').data;
    if (node !== undefined && userid !== undefined) guests.set(node, userid);
    // Nodes without a userid are no guests: a hypervisor, a group.
    else if ((row.userid ?? '') !== '') {
      const [what, value] = node === undefined ? ['node name', row.node] : ['userid', row.userid];
      const of = `row of node ${quoteValue(row.node ?? '')} in the zvm table`;
      report({ of, reason: `${quoteValue(value ?? '')} is no ${what}: the guest is left as it is` });
    }
  }
  return guests;
}

function macPrefixIn(outcome: CommandOutcome | undefined): MacPrefix {
  return parseVmlan(completeAnswer('read the MAC prefix', outcome, (output) => /USER\s+Prefix:/i.test(output)).output);
}

function iplTimeIn(outcome: CommandOutcome | undefined): string {
  return parseIplTime(completeAnswer('read the IPL time', outcome, (output) => /CP IPL time:/i.test(output)).output);
}

/** What was read, or a permanent failure for who needs it: it hides nothing else. A transient one is thrown at once: the next try may read all. */
function laterUnlessTransient<Value>(read: () => Value): () => Value {
  try {
    const value = read();
    return () => value;
  } catch (error) {
    if (!(error instanceof XcatError) || error.retryable) throw error;
    return () => {
      throw error;
    };
  }
}

function known<Value>(value: () => Value): Value | undefined {
  try {
    return value();
  } catch {
    return undefined;
  }
}

function unread(of: string, value: () => unknown): Finding[] {
  try {
    value();
    return [];
  } catch (error) {
    return [{ of, reason: error instanceof Error ? error.message : String(error) }];
  }
}

const TABLES = ['zvm', 'switch', 'mac', 'hosts'] as const;
/** For so many guests, one script is better than a call for each table side by side. */
const MANY_GUESTS = 8;

async function readTables(host: HostRuntime, guests: number) {
  const { transport, tables } = host.xcat;
  const { zhcpNode } = host.rules;
  const [zvm, switchRows, macRows, hostsRows] =
    guests < MANY_GUESTS
      ? await Promise.all([
          dumpTable(transport, 'zvm'),
          dumpTable(transport, 'switch'),
          dumpTable(transport, 'mac'),
          dumpTable(transport, 'hosts'),
        ])
      : await tables.dumpAll(TABLES).then((all) => TABLES.map((table) => all[table]) as [Row[], Row[], Row[], Row[]]);
  const zhcpRow = zvm.find((row) => row.node === zhcpNode);
  host.zhcp.set(zhcpUserid(zhcpNode, zhcpRow?.userid));
  return {
    zhcpRow,
    zvmTable: zvm,
    zvmRows: Map.groupBy(zvm, (row) => row.userid?.toUpperCase() ?? ''),
    switchRows: Map.groupBy(switchRows, (row) => row.node ?? ''),
    macRows: Map.groupBy(macRows, (row) => row.node ?? ''),
    allMacRows: macRows,
    hostsRows: Map.groupBy(hostsRows, (row) => row.node ?? ''),
    addressesInUse: addressesInTable(hostsRows),
  };
}

/** `directory` is absent where it is taken as recorded. */
type GuestOutcomes = { nics: CommandOutcome | undefined; directory?: CommandOutcome | undefined };

async function readZvm(
  host: HostRuntime,
  userids: readonly Userid[],
  survey: boolean,
  directoryOf: (userid: Userid) => boolean,
) {
  const zhcp = await host.zhcp.get();
  const looked = userids.filter(directoryOf);
  const chains = [
    [queryVswitches(zhcp, '*')],
    [queryVmlan()],
    ...(survey ? [[systemInfo()]] : []),
    ...userids.map((userid) => [queryLiveNics(userid)]),
    ...looked.map((userid) => [queryDirectory(userid)]),
  ];
  const [vswitchOutcome, vmlanOutcome, ...rest] = await host.xcat.channel(host.rules.zhcpNode).run(chains);
  const [systemOutcome] = survey ? rest.splice(0, 1) : [];
  const ofGuests = new Map(userids.map((userid, index): [Userid, GuestOutcomes] => [userid, { nics: rest[index] }]));
  for (const [index, userid] of looked.entries())
    ofGuests.set(userid, { nics: ofGuests.get(userid)?.nics, directory: rest[userids.length + index] });
  return { vswitchOutcome, vmlanOutcome, systemOutcome, ofGuests };
}

function surroundingsOf(view: HostView, userid: Userid, outcomes: GuestOutcomes | undefined): Reading {
  const rules = { ...view.rules, macPrefix: view.macPrefix() };
  const findings: Finding[] = [];
  const report: Report = ({ of, reason }) => findings.push({ of: `guest ${userid}, ${of}`, reason });
  const node = nodeOf(view, userid);
  const running = liveNics(outcomes?.nics, view.vswitches, userid, report);
  const macEntries = macEntriesOf(view.macRows.get(node) ?? [], node);
  const rows = view.switchRows.get(node) ?? [];
  const recorded = recordedPorts(rows, macEntries, node, rules.zhcpNode);
  findings.push(...rowsWithoutPort(rows, node, rules.zhcpNode));
  return {
    guest: {
      userid,
      node,
      loggedOn: running !== undefined,
      recorded,
      macEntries,
      macRow: view.macRows.has(node),
      addresses: recordedAddressesOf(view.hostsRows.get(node) ?? [], node, rules.zhcpNode),
      directory:
        outcomes !== undefined && !('directory' in outcomes)
          ? directoryAsRecorded(recorded)
          : directoryOf(outcomes?.directory, userid, report),
      live: running ?? [],
    },
    vswitches: view.vswitches,
    rules,
    macsInUse: view.macsInUse,
    addressesInUse: view.addressesInUse,
    findings,
  };
}

function directoryOf(outcome: CommandOutcome | undefined, userid: Userid, report: Report): Nicdef[] {
  const { output, warnings } = completeAnswer(`read the directory entry of ${userid}`, outcome, isWholeDirectory);
  for (const warning of warnings) report(warning);
  return parseDirectory(output, report);
}

/** What the directory says when it is as recorded; port numbers are in the directory alone. */
function directoryAsRecorded(recorded: readonly RecordedPort[]): Nicdef[] {
  return recorded.flatMap(({ vdev, vswitch, mac, adminStateUp }): Nicdef[] =>
    vdev === undefined || vswitch === undefined || mac === undefined
      ? []
      : [{ vdev, macId: macId(mac), ...(adminStateUp ? { vswitch } : {}) }],
  );
}

function nodeOf(view: HostView, userid: Userid): NodeName {
  const { zvmRows, rules } = view;
  const ofUserid = zvmRows.get(userid) ?? [];
  const row = ofUserid.find((candidate) => isHcpOf(view, candidate));
  const node = NodeName.safeParse(row?.node ?? '').data;
  if (node !== undefined) return node;
  const elsewhere = ofUserid[0]?.hcp;
  const reason =
    elsewhere === undefined
      ? `xCAT knows no guest ${userid}`
      : `guest ${userid} belongs to ${elsewhere}, not to host ${rules.host}`;
  throw refusedFailure([refusal('userid', reason, 'check userid and host, or define the guest in xCAT')]);
}

/** `hcp` holds the zHCP's full host name; its node is that name or its first label. */
function isHcpOf({ zhcpRow, rules }: Pick<RecordView, 'zhcpRow' | 'rules'>, { hcp }: Row): boolean {
  return (hcp !== undefined && hcp === zhcpRow?.hcp) || hcp?.split('.')[0] === rules.zhcpNode;
}

/** Undefined when the guest is not logged on: 200/12 or 8/45, which of them is not known (contract xcat.md 5.7). */
function liveNics(
  outcome: CommandOutcome | undefined,
  vswitches: readonly Vswitch[],
  userid: Userid,
  report: Report,
): LiveNic[] | undefined {
  const operation = `read the NICs of ${userid}`;
  if (outcome?.ran !== true) throw failureOf(operation, outcome);
  const verdict = judge(operation, outcome.exitStatus, outcome.output);
  const code = verdict.ok ? '' : `${verdict.rc}/${verdict.rs}`;
  if (code === '200/12' || code === '8/45') return undefined;
  // Adapter_Query of a running guest without NICs (contract xcat.md 4.6).
  if (code === '212/8') return [];
  const { output, warnings } = completeAnswer(operation, outcome, isWholeNicAnswer);
  for (const warning of warnings) report(warning);
  return withMacs(parseLiveNics(output, report), vswitches, userid);
}

function withMacs(nics: readonly LiveNic[], vswitches: readonly Vswitch[], userid: Userid): LiveNic[] {
  return nics.map((nic) => {
    const connected = vswitches
      .flatMap((vswitch) => vswitch.nics)
      .find((other) => other.userid === userid && other.vdev === nic.vdev);
    return connected?.mac === undefined ? nic : { ...nic, mac: connected.mac };
  });
}

function macsOnVswitches(vswitches: readonly Vswitch[]): MacInUse[] {
  return vswitches.flatMap((vswitch) =>
    vswitch.nics.flatMap(({ userid, vdev, mac }) => (mac === undefined ? [] : [{ mac, owner: userid, vdev }])),
  );
}
