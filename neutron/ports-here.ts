import type { NeutronPort } from '../domain/host/neutron-port.ts';
import type { PortId } from '../domain/text/identifiers.ts';

/**
 * The ports that are bound to an agent's hosts, each with its network, to tell whose deletions and moves and which networks' changes are of
 * concern. Read from the server now and then, and kept by messages between; unknown until the first reading, and after messages may have
 * been missed.
 */
export class PortsHere {
  #networks: Map<PortId, string> | undefined;
  /** What was heard since the reading that is under way began, which is later than what it answers: a port's network, or none when it is not here. */
  #heard: Map<PortId, string | undefined> | undefined;

  /** Messages may have been missed. */
  forget(): void {
    this.#networks = undefined;
    this.#heard = undefined;
  }

  /** Take over what `read` answers; answers how many there are. A reading during which messages may have been missed counts for nothing. */
  async learn(read: () => Promise<readonly Pick<NeutronPort, 'portId' | 'networkId'>[]>): Promise<number> {
    const heard = new Map<PortId, string | undefined>();
    this.#heard = heard;
    const networks = new Map((await read()).map(({ portId, networkId }) => [portId, networkId]));
    for (const [portId, networkId] of heard) place(networks, portId, networkId);
    if (this.#heard === heard) {
      this.#networks = networks;
      this.#heard = undefined;
    }
    return networks.size;
  }

  /** A message has said that a port is bound here, on which network, or without one that it is not any more. */
  heard(portId: PortId, networkId?: string): void {
    this.#heard?.set(portId, networkId);
    if (this.#networks !== undefined) place(this.#networks, portId, networkId);
  }

  /** False only when the port is surely not bound here. */
  mayHave(portId: PortId): boolean {
    return this.#networks?.has(portId) ?? true;
  }

  /** False only when surely no port of the network is bound here. */
  mayHaveOn(networkId: string): boolean {
    return this.#networks === undefined || [...this.#networks.values()].includes(networkId);
  }
}

function place(networks: Map<PortId, string>, portId: PortId, networkId: string | undefined): void {
  if (networkId === undefined) networks.delete(portId);
  else networks.set(portId, networkId);
}
