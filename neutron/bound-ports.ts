import type { NeutronPort } from '../domain/host/neutron-port.ts';
import type { PortId } from '../domain/text/identifiers.ts';

/**
 * The ports that are bound to an agent's hosts, each with its network. They decide which deletions, moves and network changes concern the agent. Read
 * from the server at each full synchronisation and updated by messages; unknown before the first reading, and after messages may have been lost.
 */
export class BoundPorts {
  #networks: Map<PortId, string> | undefined;
  /** Updates since the reading in progress began, which are newer than its answer: a port's network, or undefined when it is not bound here. */
  #updates: Map<PortId, string | undefined> | undefined;

  /** Forget all ports: messages may have been lost. */
  forget(): void {
    this.#networks = undefined;
    this.#updates = undefined;
  }

  /** Replace the ports by the answer of `read`, and answer their number. A reading during which messages may have been lost is dropped. */
  async learn(read: () => Promise<readonly Pick<NeutronPort, 'portId' | 'networkId'>[]>): Promise<number> {
    const updates = new Map<PortId, string | undefined>();
    this.#updates = updates;
    const networks = new Map((await read()).map(({ portId, networkId }) => [portId, networkId]));
    for (const [portId, networkId] of updates) place(networks, portId, networkId);
    if (this.#updates === updates) {
      this.#networks = networks;
      this.#updates = undefined;
    }
    return networks.size;
  }

  /** Update a port from a message: bound here on a network, or no longer bound here when none is given. */
  update(portId: PortId, networkId?: string): void {
    this.#updates?.set(portId, networkId);
    if (this.#networks !== undefined) place(this.#networks, portId, networkId);
  }

  /** False only when the port is known not to be bound here. */
  mayHave(portId: PortId): boolean {
    return this.#networks?.has(portId) ?? true;
  }

  /** False only when no port of the network is known to be bound here. */
  mayHaveOn(networkId: string): boolean {
    return this.#networks === undefined || [...this.#networks.values()].includes(networkId);
  }
}

function place(networks: Map<PortId, string>, portId: PortId, networkId: string | undefined): void {
  if (networkId === undefined) networks.delete(portId);
  else networks.set(portId, networkId);
}
