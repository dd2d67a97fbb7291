import type { NeutronPort } from '../domain/host/neutron-port.ts';
import type { PortId } from '../domain/text/identifiers.ts';

/** The client that reads ports and has the server bind them. */
export type Binder = {
  ports(portIds: readonly PortId[]): Promise<NeutronPort[]>;
  bind(host: string, portIds: readonly PortId[]): Promise<void>;
};

/** A small batch keeps the time between reading a port and binding it short. */
const BATCH = 20;

/**
 * Have the server bind the ports of `hosts` for which `isUnbound` is true; answers all the ports as they are afterwards. The request puts a port
 * into BUILD, even an ACTIVE one or one of another host (contract neutron.md 3.2). A list is soon out of date, so each port is read again first.
 */
export async function bindUnbound(
  neutron: Binder,
  hosts: readonly string[],
  portIds: readonly PortId[],
  isUnbound: (port: NeutronPort) => boolean,
): Promise<NeutronPort[]> {
  const found: NeutronPort[] = [];
  for (let at = 0; at < portIds.length; at += BATCH) {
    const now = await neutron.ports(portIds.slice(at, at + BATCH));
    const unbound = now.filter((port) => hosts.includes(port.host) && isUnbound(port));
    for (const [host, ofHost] of Map.groupBy(unbound, (port) => port.host)) await neutron.bind(host, idsOf(ofHost));
    found.push(...now.filter((port) => !unbound.includes(port)));
    if (unbound.length > 0) found.push(...(await neutron.ports(idsOf(unbound))));
  }
  return found;
}

function idsOf(ports: readonly NeutronPort[]): PortId[] {
  return ports.map((port) => port.portId);
}
