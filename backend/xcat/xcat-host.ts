import type { ConfiguredRules } from '../../domain/host/host.ts';
import { refusal } from '../../domain/planning/refusal.ts';
import { Userid } from '../../domain/text/identifiers.ts';
import type { ReadBack } from '../backend.ts';
import { notDefined } from '../backend-error.ts';
import { createDirectoryEntries, type DirectoryEntries } from '../directory-entries.ts';
import { createProbeAnswers, type ProbeAnswers } from '../probe-answers.ts';
import { createLevelMemory, type LevelMemory } from './reading/capability-reading.ts';
import { createDirectoryProfiles, type DirectoryProfiles } from './reading/directory-profiles.ts';
import type { DeviceOutcomes } from './reading/guest-devices.ts';
import { createPlannedReadings, type PlannedReadings } from './reading/planned-readings.ts';
import type { XcatCalls, XcatClient } from './rest/client.ts';
import { createRecordTablesReader, RECORD_TABLES, type RecordTablesReader } from './tables/record-tables.ts';
import type { ClosingAnswers } from './zhcp/channel.ts';

/** One host as xCAT's backend works on it: its rules, the client, and what is known of it from call to call. */
export type XcatHost = {
  rules: ConfiguredRules;
  xcat: XcatCalls;
  zhcp: ZhcpUserid;
  /** The userid of a zHCP, the host's own or another member's, by its node. Throws BackendError 'not-defined' as `zhcp` does. */
  zhcpOf(node: string): Promise<Userid>;
  profiles: DirectoryProfiles;
  entries: DirectoryEntries;
  answers: ProbeAnswers;
  levels: LevelMemory;
  members: MemberMemory;
  planned: PlannedReadings;
  readBacks: ReadBacks;
  recordTables: RecordTablesReader;
};

/** The guests that a call has changed and read back, by its closing answers, which are the same for all of them. */
export type ReadBacks = WeakMap<ClosingAnswers, { readBack: ReadBack; ofGuests: Map<Userid, DeviceOutcomes> }>;

/** The z/VM systems of zHCPs, as they have told, and the time until which silent ones are left alone. */
export type MemberMemory = { systems: Map<string, string>; silentUntil: Map<string, number> };

/** The zHCP's own userid: the target that SMAPI authorises VSWITCH functions by (docs/reference/smcli.md 2). */
export type ZhcpUserid = {
  /** Looked up once and kept. Throws BackendError 'not-defined' when xCAT's zvm table has none for the zHCP's node. */
  get(): Promise<Userid>;
  /** Take the userid of a newer reading of the table. */
  set(userid: Userid): void;
};

/** A host as bulk operations work on it, and as operations on their own do: the same knowledge, by calls that wait for none of the others. */
export type XcatHosts = Record<'bulk' | 'single', XcatHost>;

/** Put together the parts of a host, with nothing read yet. */
export function createXcatHosts(rules: ConfiguredRules, client: XcatClient): XcatHosts {
  const { single } = client;
  const bulk = createXcatHost(rules, client);
  return {
    bulk,
    single: {
      ...bulk,
      xcat: single,
      profiles: bulk.profiles.by(single.channel(rules.zhcpNode)),
      recordTables: bulk.recordTables.by(() => single.tables.dumpAll(RECORD_TABLES)),
    },
  };
}

function createXcatHost(rules: ConfiguredRules, xcat: XcatCalls): XcatHost {
  const { zhcpNode } = rules;
  let known: Userid | undefined;
  const lookUp = async (node: string) =>
    zhcpUserid(node, await xcat.tables.getAttribute('zvm', 'node', node, 'userid'));
  const zhcp: ZhcpUserid = {
    async get() {
      known ??= await lookUp(zhcpNode);
      return known;
    },
    set(userid) {
      known = userid;
    },
  };
  return {
    rules,
    xcat,
    profiles: createDirectoryProfiles(xcat.channel(zhcpNode)),
    entries: createDirectoryEntries(),
    answers: createProbeAnswers(),
    levels: createLevelMemory(),
    members: { systems: new Map(), silentUntil: new Map() },
    zhcp,
    zhcpOf: (node) => (node === zhcpNode ? zhcp.get() : lookUp(node)),
    planned: createPlannedReadings(),
    readBacks: new WeakMap(),
    recordTables: createRecordTablesReader(() => xcat.tables.dumpAll(RECORD_TABLES)),
  };
}

/** The userid of the zHCP's node. Throws BackendError 'not-defined' when it has none. */
export function zhcpUserid(zhcpNode: string, text: string | undefined): Userid {
  const userid = Userid.safeParse(text ?? '').data;
  if (userid !== undefined) return userid;
  const advice = 'correct xcat_zhcp_nodename, or define the node in xCAT';
  throw notDefined('find the zHCP', [
    refusal('host', `zHCP node ${zhcpNode} has no userid in xCAT's zvm table`, advice),
  ]);
}
