import { macsInEntries, type PortsInEntries, portsInEntries } from '../network/entry-nics.ts';
import type { LiveNic, Nicdef, RecordedPort } from '../network/guest.ts';
import type { HostRules } from '../network/host.ts';
import { NodeName, Userid } from '../network/identifiers.ts';
import { macId } from '../network/mac.ts';
import { refusal } from '../network/refusal.ts';
import type { MacInUse, Surroundings } from '../network/surroundings.ts';
import type { Vswitch } from '../network/vswitch.ts';
import type { CommandOutcome } from '../xcat/channel.ts';
import { judge } from '../xcat/return-codes.ts';
import {
  queryActiveDevices,
  queryDirectory,
  queryLiveNics,
  queryVmlan,
  queryVswitches,
  systemInfo,
} from '../xcat/smcli.ts';
import { parseDirectory, parseIplTime, parseLiveNics, parseVmlan, parseVswitches } from '../xcat/smcli-parsers.ts';
import { dumpTable, type Row } from '../xcat/tables.ts';
import { addressesInTable, recordedAddressesOf } from './address-rows.ts';
import type { Profile } from './directory-profiles.ts';
import { refusedFailure } from './failures.ts';
import { type DeviceOutcomes, devicesOf, includesOf, profileNics } from './guest-devices.ts';
import { type HostRuntime, zhcpUserid } from './host-runtime.ts';
import { macEntriesOf, macsInTable, recordedPorts } from './port-rows.ts';
import { failureOf } from './smapi-failure.ts';
import { answered } from './smapi-outcome.ts';

/** What is read of one guest and around it. */
export type Reading = Omit<Surroundings, 'avoidMacs'>;

/** What one reading found for all guests of a host. */
type HostView = {
  rules: HostRules;
  zvmRows: ReadonlyMap<string, readonly Row[]>;
  zhcpRow: Row | undefined;
  switchRows: ReadonlyMap<string, readonly Row[]>;
  macRows: ReadonlyMap<string, readonly Row[]>;
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
  const vswitches = parseVswitches(answered('read VSWITCHes', vswitchOutcome));
  const macPrefix = parseVmlan(answered('read the MAC prefix', vmlanOutcome));
  for (const [userid, outcome] of entryOutcomes) noteEntry(host, userid, outcome);
  const macs = [
    ...macsInTable(tables.allMacRows),
    ...macsOnVswitches(vswitches),
    ...macsInEntries(host.entries.known, macPrefix),
  ];
  const view: HostView = {
    ...tables,
    rules: { ...host.rules, macPrefix },
    vswitches,
    profiles,
    macsInUse: Map.groupBy(macs, ({ mac }) => mac),
    portsInEntries: portsInEntries(host.entries.known),
  };
  return {
    vswitches,
    zhcp: await host.zhcp.get(),
    ...(survey ? recordedOnHost(host, view, tables.zvmTable) : NOTHING_RECORDED),
    iplTime: systemOutcome === undefined ? undefined : parseIplTime(answered('read the IPL time', systemOutcome)),
    read(userid) {
      const around = surroundingsOf(view, userid, ofGuests.get(userid));
      if (ofGuests.get(userid)?.directory !== undefined)
        host.entries.note(userid, around.guest.directory, around.guest.recorded);
      return around;
    },
  };
}

/** What xCAT's tables say of a host's guests. */
export type HostRecord = Pick<HostReading, 'guests' | 'nodes' | 'recorded' | 'orphans'>;

const NOTHING_RECORDED: HostRecord = { guests: new Set(), nodes: new Map(), recorded: new Map(), orphans: [] };

/** Read xCAT's tables alone, in one call. */
export async function readRecord(host: HostRuntime): Promise<HostRecord> {
  const tables = await readTables(host, MANY_GUESTS);
  return recordedOnHost(host, { ...tables, rules: host.rules }, tables.zvmTable);
}

type RecordView = Pick<HostView, 'zhcpRow' | 'switchRows' | 'macRows'> & { rules: Pick<HostRules, 'zhcpNode'> };

function recordedOnHost(host: HostRuntime, view: RecordView, zvm: readonly Row[]): HostRecord {
  const { zhcpNode } = host.rules;
  const userids = new Map(
    zvm.flatMap((row): [string, Userid][] => {
      const userid = Userid.safeParse(row.userid).data;
      return userid === undefined || !isHcpOf(view, row) ? [] : [[row.node ?? '', userid]];
    }),
  );
  const recorded = new Map<Userid, readonly RecordedPort[]>();
  const orphans: string[] = [];
  for (const [node, rows] of view.switchRows) {
    const ports = recordedPorts(rows, macEntriesOf(view.macRows.get(node) ?? [], node), node, zhcpNode);
    const userid = userids.get(node);
    if (ports.length === 0) continue;
    if (userid === undefined) orphans.push(node);
    else recorded.set(userid, ports);
  }
  return { guests: new Set(userids.values()), nodes: userids, recorded, orphans };
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
  const { rules } = view;
  const node = nodeOf(view, userid);
  const running = liveNics(outcomes?.nics, view.vswitches, userid);
  const macEntries = macEntriesOf(view.macRows.get(node) ?? [], node);
  const recorded = recordedPorts(view.switchRows.get(node) ?? [], macEntries, node, rules.zhcpNode);
  return {
    guest: {
      userid,
      node,
      loggedOn: running !== undefined,
      recorded,
      macEntries,
      macRow: view.macRows.has(node),
      addresses: recordedAddressesOf(view.hostsRows.get(node) ?? [], node, rules.zhcpNode),
      directory: directoryOf(view, userid, recorded, outcomes),
      live: running ?? [],
      devices: outcomes === undefined ? [] : devicesOf(outcomes, view.profiles),
    },
    vswitches: view.vswitches,
    rules,
    macsInUse: view.macsInUse,
    portsInEntries: view.portsInEntries,
    addressesInUse: view.addressesInUse,
  };
}

function directoryOf(
  { profiles }: HostView,
  userid: Userid,
  recorded: readonly RecordedPort[],
  outcomes: DeviceOutcomes | undefined,
): Nicdef[] {
  if (outcomes !== undefined && !('directory' in outcomes)) return directoryAsRecorded(recorded);
  const own = parseDirectory(answered(`read the directory entry of ${userid}`, outcomes?.directory));
  return outcomes === undefined ? own : [...own, ...profileNics(outcomes, own, profiles)];
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
): LiveNic[] | undefined {
  const operation = `read the NICs of ${userid}`;
  if (outcome?.ran !== true) throw failureOf(operation, outcome);
  const verdict = judge(operation, outcome.exitStatus, outcome.output);
  if (verdict.ok) return withMacs(parseLiveNics(outcome.output), vswitches, userid);
  const code = `${verdict.rc}/${verdict.rs}`;
  if (code === '200/12' || code === '8/45') return undefined;
  // Adapter_Query of a running guest without NICs (contract xcat.md 4.6).
  if (code === '212/8') return [];
  throw failureOf(operation, outcome);
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
