import { XcatError } from '../backend/xcat/rest/errors.ts';
import { dumpTable, type Row } from '../backend/xcat/tables/tables.ts';
import type { CommandOutcome } from '../backend/xcat/zhcp/channel.ts';
import { judge } from '../backend/xcat/zhcp/return-codes.ts';
import {
  queryActiveDevices,
  queryDirectory,
  queryLiveNics,
  queryVmlan,
  queryVswitches,
  systemInfo,
} from '../backend/xcat/zhcp/smcli.ts';
import {
  isWholeDirectory,
  isWholeNicAnswer,
  parseDirectory,
  parseIplTime,
  parseLiveNics,
  parseVmlan,
} from '../backend/xcat/zhcp/smcli-parsers.ts';
import type { Finding, Report } from '../domain/drift/finding.ts';
import { type Absence, absenceRefusal } from '../domain/guest/absence.ts';
import { macsInEntries, type PortsInEntries, portsInEntries } from '../domain/guest/entry-nics.ts';
import type { LiveNic, Nicdef, RecordedPort } from '../domain/guest/guest.ts';
import type { MacInUse, Surroundings } from '../domain/planning/surroundings.ts';
import { type MacPrefix, macId } from '../domain/port/mac.ts';
import type { Userid } from '../domain/text/identifiers.ts';
import type { Vswitch } from '../domain/vswitch/vswitch.ts';
import { addressesInTable, recordedAddressesOf } from './address-rows.ts';
import { completeAnswer } from './complete-answer.ts';
import type { Profile } from './directory-profiles.ts';
import { refusedFailure } from './failures.ts';
import { lacksZhcp, withZhcpsOfGroups } from './group-rows.ts';
import { type DeviceOutcomes, devicesOf, includesOf, profileNics } from './guest-devices.ts';
import {
  type HostRecord,
  macEntriesAt,
  NOTHING_RECORDED,
  recordedOnHost,
  recordedPortsOf,
  rowsWithoutPortOf,
  standingOf,
  type TableAbsence,
  type TableView,
  viewTables,
} from './guest-standing.ts';
import { type HostRuntime, zhcpUserid } from './host-runtime.ts';
import { macsInTable } from './port-rows.ts';
import { failureOf } from './smapi-failure.ts';
import { vswitchReading } from './vswitch-reading.ts';

/** What is read of one guest and around it. */
export type Reading = Omit<Surroundings, 'avoidMacs'> & {
  /** What of the guest nobody can read. */
  findings: readonly Finding[];
};

export type { HostRecord } from './guest-standing.ts';

/** What one reading found for all guests of a host. */
type HostView = {
  rules: HostRuntime['rules'];
  /** Throws an XcatError when z/VM has not said it: only who works on a guest needs it. */
  macPrefix: () => MacPrefix;
  tables: TableView;
  hostsRows: ReadonlyMap<string, readonly Row[]>;
  addressesInUse: Surroundings['addressesInUse'];
  vswitches: readonly Vswitch[];
  macsInUse: Surroundings['macsInUse'];
  profiles: ReadonlyMap<string, Profile>;
  portsInEntries: PortsInEntries;
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
export type HostReading = HostRecord & {
  vswitches: readonly Vswitch[];
  /** The zHCP's userid. */
  zhcp: Userid;
  iplTime: string | undefined;
  read: (userid: Userid) => Reading;
};

/** Read a host as readGuests does, with what is recorded of all of its guests. `survey`: tables in one call, and when z/VM was started. */
export async function readHost(
  host: HostRuntime,
  userids: readonly Userid[],
  survey = false,
  directoryOf: (userid: Userid) => boolean = () => true,
  /** Guests of which nothing but the directory entry is read. */
  entriesOf: readonly Userid[] = [],
): Promise<HostReading> {
  const [tables, { vswitchOutcome, vmlanOutcome, systemOutcome, ofGuests, profiles, entryOutcomes }] =
    await Promise.all([
      readTables(host, survey ? MANY_GUESTS : userids.length),
      readZvm(host, userids, survey, directoryOf, entriesOf),
    ]);
  const { vswitches, findings } = vswitchReading(vswitchOutcome, host.rules.vswitches);
  const macPrefix = laterUnlessTransient(() => macPrefixIn(vmlanOutcome));
  for (const [userid, outcome] of entryOutcomes) noteEntry(host, userid, outcome);
  const prefix = known(macPrefix);
  const macs = [
    ...macsInTable(tables.allMacRows),
    ...macsOnVswitches(vswitches),
    ...(prefix === undefined ? [] : macsInEntries(host.entries.known, prefix)),
  ];
  const view: HostView = {
    tables: tables.view,
    hostsRows: tables.hostsRows,
    addressesInUse: tables.addressesInUse,
    rules: host.rules,
    macPrefix,
    vswitches,
    profiles,
    macsInUse: Map.groupBy(macs, ({ mac }) => mac),
    portsInEntries: portsInEntries(host.entries.known),
  };
  const iplTime = survey ? laterUnlessTransient(() => iplTimeIn(systemOutcome)) : undefined;
  const record = survey ? recordedOnHost(tables.view) : NOTHING_RECORDED;
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
      const around = surroundingsOf(view, userid, ofGuests.get(userid));
      if (ofGuests.get(userid)?.directory !== undefined)
        host.entries.note(userid, around.guest.directory, around.guest.recorded);
      return around;
    },
  };
}

/** Read xCAT's tables alone, in one call. */
export async function readRecord(host: HostRuntime): Promise<HostRecord> {
  return recordedOnHost((await readTables(host, MANY_GUESTS)).view);
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
  const groups = lacksZhcp(zvm) ? await dumpTable(transport, 'nodelist') : [];
  const view = viewTables(zhcpNode, withZhcpsOfGroups(zvm, groups), switchRows, macRows);
  host.zhcp.set(zhcpUserid(zhcpNode, view.userids.get(zhcpNode)));
  return {
    view,
    allMacRows: macRows,
    hostsRows: Map.groupBy(hostsRows, (row) => row.node ?? ''),
    addressesInUse: addressesInTable(hostsRows),
  };
}

async function readZvm(
  host: HostRuntime,
  userids: readonly Userid[],
  survey: boolean,
  directoryOf: (userid: Userid) => boolean,
  entriesOf: readonly Userid[],
) {
  const zhcp = await host.zhcp.get();
  const looked = userids.filter(directoryOf);
  const chains = [
    [queryVswitches(zhcp, '*')],
    [queryVmlan()],
    ...(survey ? [[systemInfo()]] : []),
    ...userids.map((userid) => [queryLiveNics(userid)]),
    ...looked.map((userid) => [queryDirectory(userid)]),
    ...looked.map((userid) => [queryActiveDevices(userid)]),
    ...entriesOf.map((userid) => [queryDirectory(userid)]),
  ];
  const [vswitchOutcome, vmlanOutcome, ...rest] = await host.xcat.channel(host.rules.zhcpNode).run(chains);
  const [systemOutcome] = survey ? rest.splice(0, 1) : [];
  const ofGuests = new Map(userids.map((userid, index): [Userid, DeviceOutcomes] => [userid, { nics: rest[index] }]));
  for (const [index, userid] of looked.entries())
    ofGuests.set(userid, {
      nics: ofGuests.get(userid)?.nics,
      directory: rest[userids.length + index],
      active: rest[userids.length + looked.length + index],
    });
  const profiles = await host.profiles.read([...ofGuests.values()].flatMap(includesOf));
  const first = userids.length + 2 * looked.length;
  const entryOutcomes = entriesOf.map((userid, index) => [userid, rest[first + index]] as const);
  return { vswitchOutcome, vmlanOutcome, systemOutcome, ofGuests, profiles, entryOutcomes };
}

/** An entry that cannot be read, as of a guest that the directory has no more, is as nothing: no decision is about it. */
function noteEntry(host: HostRuntime, userid: Userid, outcome: CommandOutcome | undefined): void {
  if (outcome?.ran !== true || outcome.exitStatus !== 0) return;
  try {
    host.entries.note(userid, parseDirectory(outcome.output), []);
  } catch {
    // It is said where the guest itself is read.
  }
}

function surroundingsOf(view: HostView, userid: Userid, outcomes: DeviceOutcomes | undefined): Reading {
  const { tables } = view;
  const rules = { ...view.rules, macPrefix: view.macPrefix() };
  const standing = standingOf(tables, userid);
  if (standing === undefined) throw refusedFailure([absenceRefusal(userid, rules.host, NOWHERE)]);
  const { node, otherNodes } = standing;
  const findings: Finding[] = rowsWithoutPortOf(tables, standing);
  const report: Report = ({ of, reason }) => findings.push({ of: `guest ${userid}, ${of}`, reason });
  const recorded = recordedPortsOf(tables, standing);
  const running = liveNics(outcomes?.nics, view.vswitches, userid, report);
  const entry = directoryEntry(standing.absence, outcomes, recorded, userid, report);
  const absence = absenceOf(standing.absence, running !== undefined, entry !== undefined);
  const inherited = entry === undefined || outcomes === undefined ? [] : profileNics(outcomes, entry, view.profiles);
  return {
    guest: {
      userid,
      node,
      ...(otherNodes.length === 0
        ? {}
        : { otherNodes: otherNodes.map((each) => ({ node: each, macEntries: macEntriesAt(tables, each) })) }),
      loggedOn: running !== undefined,
      recorded,
      macEntries: macEntriesAt(tables, node),
      macRow: tables.macRows.has(node),
      addresses: recordedAddressesOf(view.hostsRows.get(node) ?? [], node, [rules.zhcpNode, ...tables.otherZhcps]),
      directory: [...(entry ?? []), ...(absence?.kind === 'elsewhere' ? [] : inherited)],
      live: running ?? [],
      devices: outcomes === undefined ? [] : devicesOf(outcomes, view.profiles),
      ...(absence === undefined ? {} : { absence }),
    },
    vswitches: view.vswitches,
    rules,
    macsInUse: view.macsInUse,
    portsInEntries: view.portsInEntries,
    addressesInUse: view.addressesInUse,
    findings,
  };
}

const NOWHERE: Absence = { kind: 'unknown', remains: false };

/** Undefined when the directory has none. That of a guest on another system may be the same directory, and is not this host's to change. */
function directoryEntry(
  absence: TableAbsence | undefined,
  outcomes: DeviceOutcomes | undefined,
  recorded: readonly RecordedPort[],
  userid: Userid,
  report: Report,
): Nicdef[] | undefined {
  if (absence?.kind === 'elsewhere') return [];
  if (outcomes !== undefined && !('directory' in outcomes)) return directoryAsRecorded(recorded);
  const outcome = outcomes?.directory;
  if (codeOf(outcome) === '400/4') return undefined;
  const { output, warnings } = completeAnswer(`read the directory entry of ${userid}`, outcome, isWholeDirectory);
  for (const warning of warnings) report(warning);
  return parseDirectory(output, report);
}

function absenceOf(absence: TableAbsence | undefined, loggedOn: boolean, defined: boolean): Absence | undefined {
  if (absence?.kind === 'elsewhere') return absence;
  if (absence?.kind === 'unknown') return { kind: 'unknown', remains: loggedOn || defined };
  return defined ? undefined : { kind: 'undefined', remains: loggedOn };
}

/** What the directory says when it is as recorded; port numbers are in the directory alone. */
function directoryAsRecorded(recorded: readonly RecordedPort[]): Nicdef[] {
  return recorded.flatMap(({ vdev, vswitch, mac, adminStateUp }): Nicdef[] =>
    vdev === undefined || vswitch === undefined || mac === undefined
      ? []
      : [{ vdev, macId: macId(mac), ...(adminStateUp ? { vswitch } : {}) }],
  );
}

// Not logged on is 200/12 or 8/45, which of them is not known (contract xcat.md 5.7); 200/4 is of a guest that z/VM does not have.
const NOT_RUNNING = ['200/12', '8/45', '200/4'];

/** Undefined when the guest is not logged on. */
function liveNics(
  outcome: CommandOutcome | undefined,
  vswitches: readonly Vswitch[],
  userid: Userid,
  report: Report,
): LiveNic[] | undefined {
  const operation = `read the NICs of ${userid}`;
  if (outcome?.ran !== true) throw failureOf(operation, outcome);
  const code = codeOf(outcome) ?? '';
  if (NOT_RUNNING.includes(code)) return undefined;
  // Adapter_Query of a running guest without NICs (contract xcat.md 4.6).
  if (code === '212/8') return [];
  const { output, warnings } = completeAnswer(operation, outcome, isWholeNicAnswer);
  for (const warning of warnings) report(warning);
  return withMacs(parseLiveNics(output, report), vswitches, userid);
}

/** Return and reason code of what failed. */
function codeOf(outcome: CommandOutcome | undefined): string | undefined {
  if (outcome?.ran !== true) return undefined;
  const verdict = judge('', outcome.exitStatus, outcome.output);
  return verdict.ok ? undefined : `${verdict.rc}/${verdict.rs}`;
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
