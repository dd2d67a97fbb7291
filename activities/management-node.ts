import { VswitchName } from '../network/identifiers.ts';
import { MANAGEMENT_VDEV } from '../network/management-network.ts';
import { runOnNode } from '../xcat/dsh.ts';
import type { HostRuntime } from './host-runtime.ts';

/**
 * VSWITCHes that the management node's own NICs are on: an administrator made them (contract xcat.md 5.12). None when the management node
 * has no NICs that it can show. The NIC of the management network is this project's own.
 */
export async function administratorsVswitches(host: HostRuntime, signal: AbortSignal): Promise<VswitchName[]> {
  const node = await host.xcat.managementNode({ signal });
  const { stdout } = await runOnNode(host.xcat.transport, node, 'vmcp q v nic', { signal });
  const names: VswitchName[] = [];
  let vdev = '';
  for (const line of stdout.split('\n')) {
    vdev = /^\s*Adapter ([0-9A-F]{4})/i.exec(line)?.[1]?.toUpperCase() ?? vdev;
    const name = VswitchName.safeParse(/VSWITCH: SYSTEM (\S+)/i.exec(line)?.[1]).data;
    if (name !== undefined && vdev !== MANAGEMENT_VDEV) names.push(name);
  }
  return names;
}
