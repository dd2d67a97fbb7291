import type { NeutronPort } from '../domain/host/neutron-port.ts';
import type { PortId } from '../domain/text/identifiers.ts';

/** Who reads ports and has the server bind them. */
export type Binder = {
  ports(portIds: readonly PortId[]): Promise<NeutronPort[]>;
  bind(host: string, portIds: readonly PortId[]): Promise<void>;
};

/** Each port is looked at so shortly before it is asked for. */
const ASKED_AT_ONCE = 20;

/**
 * Have the server bind those of the ports that `isUnbound` says and that are bound to one of `hosts`, whose agent asks; answers the ports as
 * they are then. Asking puts a port into BUILD, also an ACTIVE one, and also one of another host when it is asked for in that host's name
 * (contract neutron.md 3.2). What a list says is old: each port is looked at once more before it is asked for.
 */
export async function askForUnbound(
  neutron: Binder,
  hosts: readonly string[],
  portIds: readonly PortId[],
  isUnbound: (port: NeutronPort) => boolean,
): Promise<NeutronPort[]> {
  const found: NeutronPort[] = [];
  for (let at = 0; at < portIds.length; at += ASKED_AT_ONCE) {
    const now = await neutron.ports(portIds.slice(at, at + ASKED_AT_ONCE));
    const asked = now.filter((port) => hosts.includes(port.host) && isUnbound(port));
    for (const [host, ofHost] of Map.groupBy(asked, (port) => port.host)) await neutron.bind(host, idsOf(ofHost));
    found.push(...now.filter((port) => !asked.includes(port)));
    if (asked.length > 0) found.push(...(await neutron.ports(idsOf(asked))));
  }
  return found;
}

function idsOf(ports: readonly NeutronPort[]): PortId[] {
  return ports.map((port) => port.portId);
}
