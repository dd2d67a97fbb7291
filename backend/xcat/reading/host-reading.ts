import { defined } from '../../../domain/defined.ts';
import type { Finding } from '../../../domain/drift/finding.ts';
import { macsInEntries, portsInEntries } from '../../../domain/guest/entry-nics.ts';
import { outdatedAnswers, withAnswers } from '../../../domain/host/host-behaviour.ts';
import { unknownCapabilities } from '../../../domain/host/host-capabilities.ts';
import type { MacInUse, MacPrefix } from '../../../domain/port/mac.ts';
import { messageOf } from '../../../domain/text/error-message.ts';
import type { Userid } from '../../../domain/text/identifiers.ts';
import type { Vswitch } from '../../../domain/vswitch/vswitch.ts';
import { BackendError } from '../../backend-error.ts';
import { type HostReading, type HostRecord, type HostRequest, NOTHING_RECORDED } from '../../reading.ts';
import { addressesInTable } from '../rows/address-rows.ts';
import { lacksZhcp, withZhcpsOfGroups } from '../rows/group-rows.ts';
import { recordedOnHost, viewTables } from '../rows/guest-standing.ts';
import { macsInTable } from '../rows/port-rows.ts';
import { RECORD_TABLES, type RecordTables } from '../tables/record-tables.ts';
import { dumpTable } from '../tables/tables.ts';
import { type XcatHost, zhcpUserid } from '../xcat-host.ts';
import type { CommandOutcome } from '../zhcp/channel.ts';
import { completeAnswer } from '../zhcp/smapi-outcome.ts';
import { parseDirectory, parseIplTime, parseVmlan } from '../zhcp/smcli-parsers.ts';
import { readCluster } from './cluster-reading.ts';
import { buildsOf, includesOf } from './guest-devices.ts';
import { type HostView, readingOf } from './guest-reading.ts';
import { partsOf, readSubconfigs, type SubconfigOutcomes } from './identity-reading.ts';
import { managementGuest } from './management-node-nics.ts';
import { vswitchReading } from './vswitch-reading.ts';
import { askZvm, type ZvmAnswers } from './zvm-answers.ts';

/**
 * Read all that decisions about guests look at: xCAT's tables and, side by side with them, from the zHCP the host's VSWITCHes, and each
 * guest's directory entry and live NICs. A survey reads the tables in one call, and when z/VM was started. Throws a BackendError when the host
 * is not known or cannot be read; `read` throws it for one guest.
 */
export function readHost(host: XcatHost, request: HostRequest): Promise<HostReading> {
  return readingFrom(host, request, askZvm(host, request));
}

/** A reading of the host with answers of z/VM that are there, or on their way. Throws as `readHost` does. */
export async function readingFrom(
  host: XcatHost,
  { userids, survey = false, recordSince }: HostRequest,
  asked: Promise<ZvmAnswers>,
): Promise<HostReading> {
  const [tables, { answers, profiles, subconfigs }] = await Promise.all([
    readTables(host, survey ? MANY_GUESTS : userids.length, recordSince),
    completed(host, asked),
  ]);
  const { vswitches, findings } = vswitchReading(answers.vswitches, host.rules.vswitches);
  const iplTime = survey ? laterUnlessTransient(() => iplTimeIn(answers.system)) : undefined;
  const iplAt = iplTime === undefined ? undefined : known(iplTime);
  if (iplAt !== undefined) host.levels.iplAt(iplAt);
  if (answers.levels.length > 0) host.levels.note(answers.levels);
  const cluster = await readCluster(host, tables.view, answers.ofGuests);
  const macPrefix = laterUnlessTransient(() => macPrefixIn(answers.vmlan));
  for (const [userid, outcome] of answers.entries) noteEntry(host, userid, outcome, subconfigs);
  const prefix = known(macPrefix);
  const macs = [
    ...macsInTable(tables.allMacRows),
    ...[vswitches, ...cluster.others.map((other) => other.vswitches)].flatMap(macsOnVswitches),
    ...(prefix === undefined ? [] : macsInEntries(host.entries.known, prefix)),
  ];
  const levels = host.levels.capabilities(answers.vmlan, host.rules.capabilities);
  const capabilities = withAnswers({ ...levels, ...defined({ ssi: cluster.cluster }) }, host.answers.known());
  const view: HostView = {
    tables: tables.view,
    hostsRows: tables.hostsRows,
    addressesInUse: tables.addressesInUse,
    rules: host.rules,
    macPrefix,
    vswitches,
    cluster,
    profiles,
    subconfigs,
    systems: host.members.systems,
    macsInUse: Map.groupBy(macs, ({ mac }) => mac),
    portsInEntries: portsInEntries(host.entries.known),
    capabilities,
  };
  const record = survey ? recordedOnHost(tables.view) : NOTHING_RECORDED;
  return {
    vswitches,
    members: survey
      ? cluster.others.map((other) => ({
          member: other.zhcp,
          vswitches: other.vswitches,
          record: recordedOnHost(tables.viewOf(other.zhcp)),
        }))
      : [],
    agent: await host.zhcp.get(),
    server: survey ? await managementGuest(host, tables.zvm) : undefined,
    ...record,
    findings: [
      ...findings,
      ...record.findings,
      ...(survey
        ? [
            ...unread('MAC prefix', macPrefix),
            ...unknownCapabilities(capabilities),
            ...outdatedAnswers(levels, host.answers.known()),
            ...cluster.findings,
          ]
        : []),
      ...(iplTime === undefined ? [] : unread('IPL time', iplTime)),
    ],
    iplTime: iplAt,
    capabilities,
    read(userid) {
      const outcomes = answers.ofGuests.get(userid);
      const { nicsElsewhere, ...reading } = { ...readingOf(view, userid, outcomes), capabilities };
      if (outcomes !== undefined) host.planned.note(userid, outcomes);
      if (outcomes?.directory !== undefined)
        host.entries.note(userid, [...reading.guest.directory, ...nicsElsewhere], reading.guest.recorded);
      return reading;
    },
  };
}

/** Read xCAT's tables alone, in one call. */
export async function readRecord(host: XcatHost): Promise<HostRecord> {
  return recordedOnHost((await readTables(host, MANY_GUESTS)).view);
}

function macPrefixIn(outcome: CommandOutcome | undefined): MacPrefix {
  return parseVmlan(completeAnswer('read the MAC prefix', outcome, (output) => /USER\s+Prefix:/i.test(output)).output);
}

function iplTimeIn(outcome: CommandOutcome | undefined): string {
  return parseIplTime(completeAnswer('read the IPL time', outcome, (output) => /CP IPL time:/i.test(output)).output);
}

/** The value read, or a permanent failure for callers that need it: it hides nothing else. A transient failure is thrown at once: the next try may read all. */
function laterUnlessTransient<Value>(read: () => Value): () => Value {
  try {
    const value = read();
    return () => value;
  } catch (error) {
    if (!(error instanceof BackendError) || error.retryable) throw error;
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
    return [{ of, reason: messageOf(error) }];
  }
}

/** For so many guests, one script is better than a call for each table side by side. */
const MANY_GUESTS = 8;

async function readTables(host: XcatHost, guests: number, since = Number.POSITIVE_INFINITY) {
  const { transport } = host.xcat;
  const { zhcpNode } = host.rules;
  const recent = host.recordTables.since(since);
  const { zvm, switch: switchRows, mac: macRows, hosts: hostsRows } = recent ?? (await dumpRecord(host, guests));
  const groups = lacksZhcp(zvm) ? await dumpTable(transport, 'nodelist') : [];
  const viewOf = (node: string) => viewTables(node, withZhcpsOfGroups(zvm, groups), switchRows, macRows);
  const view = viewOf(zhcpNode);
  host.zhcp.set(zhcpUserid(zhcpNode, view.userids.get(zhcpNode)));
  return {
    zvm,
    view,
    viewOf,
    allMacRows: macRows,
    hostsRows: Map.groupBy(hostsRows, (row) => row.node ?? ''),
    addressesInUse: addressesInTable(hostsRows),
  };
}

async function dumpRecord({ xcat }: XcatHost, guests: number): Promise<RecordTables> {
  if (guests >= MANY_GUESTS) return xcat.tables.dumpAll(RECORD_TABLES);
  const { dump } = xcat.tables;
  const [zvm, rows, mac, hosts] = await Promise.all([dump('zvm'), dump('switch'), dump('mac'), dump('hosts')]);
  return { zvm, switch: rows, mac, hosts };
}

/** Read what else the answers of z/VM name: profiles and SUBCONFIGs of guests. */
async function completed(host: XcatHost, asked: Promise<ZvmAnswers>) {
  const answers = await asked;
  const entries = [...answers.ofGuests.values(), ...answers.entries.map(([, directory]) => ({ directory }))];
  const [profiles, subconfigs] = await Promise.all([
    host.profiles.read([...answers.ofGuests.values()].flatMap(includesOf)),
    readSubconfigs(host, entries.flatMap(buildsOf)),
  ]);
  return { answers, profiles, subconfigs };
}

/** An entry that cannot be read, as of a guest that the directory has no more, is as nothing: no decision is about it. */
function noteEntry(
  host: XcatHost,
  userid: Userid,
  outcome: CommandOutcome | undefined,
  subconfigs: SubconfigOutcomes,
): void {
  if (outcome?.ran !== true || outcome.exitStatus !== 0) return;
  try {
    const { nics } = partsOf(buildsOf({ directory: outcome }), undefined, subconfigs, () => undefined);
    host.entries.note(userid, [...parseDirectory(outcome.output), ...nics], []);
  } catch {
    // It is said where the guest itself is read.
  }
}

function macsOnVswitches(vswitches: readonly Vswitch[]): MacInUse[] {
  return vswitches.flatMap((vswitch) =>
    vswitch.nics.flatMap(({ userid, vdev, mac }) => (mac === undefined ? [] : [{ mac, owner: userid, vdev }])),
  );
}
