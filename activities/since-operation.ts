import type { Reading } from '../backend/reading.ts';
import { type WantedPort, wantedOf } from '../domain/host/neutron-port.ts';
import type { RestoredPort } from '../domain/operations/requests.ts';
import { changedSince } from '../domain/planning/former-ports.ts';
import { describeNetwork } from '../domain/port/port.ts';
import type { HostRuntime } from './host-runtime.ts';
import { neutronHosts } from './neutron-view.ts';
import { shownOf } from './show.ts';

/**
 * Changes since an operation, a sentence each: its ports are otherwise than it left them, the guest has drifted, or Neutron wants a port
 * otherwise than it was before. Throws a NeutronError.
 */
export async function sinceOperation(
  host: HostRuntime,
  ports: readonly RestoredPort[],
  reading: Reading,
): Promise<string[]> {
  const { userid } = reading.guest;
  const [first, ...more] = shownOf(reading, host.backend.planRecord).steps;
  const others = more.length === 0 ? '' : ` and ${more.length} more steps`;
  return [
    ...changedSince(ports, reading.guest),
    ...(first === undefined ? [] : [`${userid} has drifted: reconciliation would ${first}${others}`]),
    ...(await againstNeutron(host, ports)),
  ];
}

/** Ports that Neutron has on this host, and otherwise than they were: reconciliation would make them as it says. */
async function againstNeutron({ neutron, rules }: HostRuntime, ports: readonly RestoredPort[]): Promise<string[]> {
  if (neutron === undefined) return [];
  const hosts = neutronHosts(rules);
  const known = await neutron.ports(ports.map(({ portId }) => portId));
  return known.flatMap((port) => {
    const wanted = wantedOf(port, rules);
    if (!hosts.includes(port.host) || 'refusals' in wanted) return [];
    const before = ports.find(({ portId }) => portId === port.portId)?.before;
    const says = wordsOf(wanted.wanted);
    if (typeof before === 'object' && wordsOf(before) === says) return [];
    return [
      `Neutron wants port ${port.portId} on ${says}; reconciliation would bring that back, so change it in Neutron`,
    ];
  });
}

function wordsOf({ vswitch, network, adminStateUp }: Pick<WantedPort, 'vswitch' | 'network' | 'adminStateUp'>): string {
  return `${vswitch}, ${describeNetwork(network)}, ${adminStateUp ? 'up' : 'down'}`;
}
