import { MANAGEMENT_VDEV } from '../../../domain/host/management-network.ts';
import { VswitchName } from '../../../domain/text/identifiers.ts';
import type { ServerGuest, ServerNics } from '../../reading.ts';
import type { Row } from '../tables/tables.ts';
import type { XcatHost } from '../xcat-host.ts';
import { runOnNode } from '../zhcp/dsh.ts';

/** Where the management node runs, by the rows of the `zvm` table. */
export async function managementGuest(host: XcatHost, rows: readonly Row[]): Promise<ServerGuest> {
  const node = await host.xcat.managementNode();
  const row = rows.find((candidate) => candidate.node === node);
  return { userid: row?.userid?.toUpperCase(), here: isGuestOf(host, row, rows) };
}

/** True when a node's row of the `zvm` table names this host's zHCP: `hcp` is its full host name, or its node name. */
export function isGuestOf({ rules }: XcatHost, row: Row | undefined, rows: readonly Row[]): boolean {
  const zhcp = rows.find((candidate) => candidate.node === rules.zhcpNode);
  const hcp = row?.hcp ?? '';
  return hcp !== '' && (hcp === zhcp?.hcp || hcp.split('.')[0] === rules.zhcpNode);
}

/**
 * VSWITCHes that the management node's own NICs are on: an administrator made them (docs/reference/zvm.md 3.5). None when the management
 * node has no NICs that it can show. The NIC of the management network is this project's own.
 */
export async function administratorsVswitches(host: XcatHost, signal: AbortSignal): Promise<VswitchName[]> {
  return (await readServerNics(host, signal)).administrators;
}

/** Read the management node's NICs. */
export async function readServerNics(host: XcatHost, signal: AbortSignal): Promise<ServerNics> {
  const node = await host.xcat.managementNode({ signal });
  const { stdout } = await runOnNode(host.xcat.transport, node, 'vmcp q v nic', { signal });
  const administrators: VswitchName[] = [];
  let coupled = false;
  let vdev = '';
  for (const line of stdout.split('\n')) {
    vdev = /^\s*Adapter ([0-9A-F]{4})/i.exec(line)?.[1]?.toUpperCase() ?? vdev;
    const name = VswitchName.safeParse(/VSWITCH: SYSTEM (\S+)/i.exec(line)?.[1]).data;
    if (name === undefined) continue;
    if (vdev === MANAGEMENT_VDEV) coupled = true;
    else administrators.push(name);
  }
  return { administrators, coupled };
}
