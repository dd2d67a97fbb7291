import type { Client } from '@temporalio/client';
import { readHostView } from '../client/read-state.ts';
import type { HostView } from '../network/host-view.ts';

type Entry = { at: number; view: Promise<HostView> };

/** Hosts' states for lists and the picture: one reading serves all who ask within its time. */
export class StateCache {
  readonly #client: Client;
  readonly #maxAgeMs: number;
  readonly #entries = new Map<string, Entry>();

  constructor(client: Client, maxAgeSeconds: number) {
    this.#client = client;
    this.#maxAgeMs = maxAgeSeconds * 1_000;
  }

  /** A state that is at most so old. Throws what the reading fails with. */
  async get(host: string): Promise<HostView> {
    const entry = this.#entries.get(host);
    if (entry !== undefined && Date.now() - entry.at < this.#maxAgeMs) return entry.view;
    const view = readHostView(this.#client, host);
    this.#entries.set(host, { at: Date.now(), view });
    view.catch(() => this.#entries.delete(host));
    return view;
  }

  /** Something was changed: the next who asks gets a new reading. */
  forget(host: string): void {
    this.#entries.delete(host);
  }
}
