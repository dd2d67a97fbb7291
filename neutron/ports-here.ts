import type { PortId } from '../network/identifiers.ts';

/**
 * The ports that are bound to an agent's hosts, to tell whose deletions and moves are of concern. Read from the server now and then, and
 * kept by messages between; unknown until the first reading, and after messages may have been missed.
 */
export class PortsHere {
  #ids: Set<PortId> | undefined;
  /** What was heard since the last reading began: later than what it answers. */
  readonly #heard = new Map<PortId, boolean>();
  #reading = 0;

  /** Messages may have been missed. */
  forget(): void {
    this.#ids = undefined;
    this.#heard.clear();
    this.#reading += 1;
  }

  /** Take over what `read` answers; answers how many there are. A reading during which messages may have been missed counts for nothing. */
  async learn(read: () => Promise<PortId[]>): Promise<number> {
    this.#heard.clear();
    this.#reading += 1;
    const reading = this.#reading;
    const ids = new Set(await read());
    for (const [portId, isHere] of this.#heard) {
      if (isHere) ids.add(portId);
      else ids.delete(portId);
    }
    if (reading === this.#reading) this.#ids = ids;
    return ids.size;
  }

  /** A message has said that a port is bound here, or is not any more. */
  heard(portId: PortId, isHere: boolean): void {
    this.#heard.set(portId, isHere);
    if (isHere) this.#ids?.add(portId);
    else this.#ids?.delete(portId);
  }

  /** False only when the port is surely not bound here. */
  mayHave(portId: PortId): boolean {
    return this.#ids?.has(portId) ?? true;
  }
}
