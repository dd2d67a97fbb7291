import type { MacInUse, Surroundings } from '../network/decision.ts';
import type { LiveNic } from '../network/guest.ts';
import { NodeName, Userid } from '../network/identifiers.ts';
import { refusal } from '../network/refusal.ts';
import type { Vswitch } from '../network/vswitch.ts';
import type { CommandOutcome } from '../xcat/channel.ts';
import { judge } from '../xcat/return-codes.ts';
import { queryDirectory, queryLiveNics, queryVmlan, queryVswitches } from '../xcat/smcli.ts';
import { parseDirectory, parseLiveNics, parseVmlan, parseVswitches } from '../xcat/smcli-parsers.ts';
import { dumpTable, type Row } from '../xcat/tables.ts';
import { refusedFailure } from './failures.ts';
import type { HostRuntime } from './host-runtime.ts';
import { macEntriesOf, macsInTable, recordedPorts } from './port-rows.ts';
import { failureOf } from './smapi-failure.ts';

/**
 * Read all that a decision about a guest looks at: xCAT's tables and, in one call to the zHCP, the host's VSWITCHes, the guest's directory
 * entry and its live NICs. Throws a `Refused` failure when the host or the guest is not known, an XcatError when something cannot be read.
 */
export async function readSurroundings(host: HostRuntime, userid: Userid, signal: AbortSignal): Promise<Surroundings> {
  const { zhcpNode } = host.rules;
  const { transport } = host.xcat;
  const [zvm, switchRows, macRows] = await Promise.all([
    dumpTable(transport, 'zvm'),
    dumpTable(transport, 'switch'),
    dumpTable(transport, 'mac'),
  ]);
  const zhcpUserid = zhcpUseridOf(zvm, zhcpNode);
  const node = nodeOf(zvm, userid, zhcpNode, host.rules.host);
  const [vswitchOutcome, nicOutcome, directoryOutcome, vmlanOutcome] = await host.xcat
    .channel(zhcpNode)
    .run([[queryVswitches(zhcpUserid, '*')], [queryLiveNics(userid)], [queryDirectory(userid)], [queryVmlan()]], {
      signal,
    });
  const vswitches = parseVswitches(answered('read VSWITCHes', vswitchOutcome));
  const running = liveNics(nicOutcome, vswitches, userid);
  const directory = parseDirectory(answered(`read the directory entry of ${userid}`, directoryOutcome));
  const macEntries = macEntriesOf(macRows, node);
  return {
    guest: {
      userid,
      node,
      loggedOn: running !== undefined,
      recorded: recordedPorts(switchRows, macEntries, node, zhcpNode),
      macEntries,
      directory,
      live: running ?? [],
    },
    vswitches,
    rules: { ...host.rules, macPrefix: parseVmlan(answered('read the MAC prefix', vmlanOutcome)) },
    macsInUse: [...macsInTable(macRows), ...macsOnVswitches(vswitches)],
  };
}

/** The zHCP's own userid: the target that SMAPI authorises VSWITCH functions by (contract xcat.md 4.2). */
export async function readZhcpUserid(host: HostRuntime): Promise<Userid> {
  return zhcpUseridOf(await dumpTable(host.xcat.transport, 'zvm'), host.rules.zhcpNode);
}

function zhcpUseridOf(zvm: readonly Row[], zhcpNode: string): Userid {
  const userid = Userid.safeParse(zvm.find((row) => row.node === zhcpNode)?.userid ?? '').data;
  if (userid !== undefined) return userid;
  throw refusedFailure([
    refusal(
      'host',
      `zHCP node ${zhcpNode} has no userid in xCAT's zvm table`,
      'correct xcat_zhcp_nodename, or define the node in xCAT',
    ),
  ]);
}

function nodeOf(zvm: readonly Row[], userid: Userid, zhcpNode: string, host: string): NodeName {
  const zhcp = zvm.find((row) => row.node === zhcpNode);
  const ofUserid = zvm.filter((row) => row.userid?.toUpperCase() === userid);
  // `hcp` holds the zHCP's full host name; its node is that name or its first label.
  const row = ofUserid.find(
    (candidate) =>
      candidate.hcp === zhcp?.hcp || candidate.hcp === zhcpNode || candidate.hcp?.split('.')[0] === zhcpNode,
  );
  const node = NodeName.safeParse(row?.node ?? '').data;
  if (node !== undefined) return node;
  const elsewhere = ofUserid[0]?.hcp;
  const reason =
    elsewhere === undefined
      ? `xCAT knows no guest ${userid}`
      : `guest ${userid} belongs to ${elsewhere}, not to host ${host}`;
  throw refusedFailure([refusal('userid', reason, 'check userid and host, or define the guest in xCAT')]);
}

function answered(operation: string, outcome: CommandOutcome | undefined): string {
  if (outcome?.ran === true && judge(operation, outcome.exitStatus, outcome.output).ok) return outcome.output;
  throw failureOf(operation, outcome);
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
