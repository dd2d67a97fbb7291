import { VswitchName } from '../network/identifiers.ts';
import { runOnNode } from '../xcat/dsh.ts';
import type { HostRuntime } from './host-runtime.ts';

// The NIC that this project defines for the management network; its VSWITCH is no administrator's for that (contract xcat.md 5.11).
const OWN_VDEV = '0800';

/**
 * VSWITCHes that the management node's own NICs are on: an administrator made them (contract xcat.md 5.12). None when the management node
 * has no NICs that it can show.
 */
export async function administratorsVswitches(host: HostRuntime, signal: AbortSignal): Promise<VswitchName[]> {
  const node = await host.xcat.managementNode({ signal });
  const { stdout } = await runOnNode(host.xcat.transport, node, 'vmcp q v nic', { signal });
  const names: VswitchName[] = [];
  let vdev = '';
  for (const line of stdout.split('\n')) {
    vdev = /^\s*Adapter ([0-9A-F]{4})/i.exec(line)?.[1]?.toUpperCase() ?? vdev;
    const name = VswitchName.safeParse(/VSWITCH: SYSTEM (\S+)/i.exec(line)?.[1]).data;
    if (name !== undefined && vdev !== OWN_VDEV) names.push(name);
  }
  return names;
}
