import type { Address } from './address.ts';
import type { FullGuest, FullOperation, ListedOperation } from './api.ts';
import { getGuest, getOperation, getOperations } from './session.ts';

const LOOK_MS = 2_000;

/** The chosen guest and operation as the gateway tells them in full. */
export type Chosen = {
  fullGuest: FullGuest | undefined;
  fullProblem: string | undefined;
  operations: { guest: string; nic: string; list: readonly ListedOperation[] } | undefined;
  operationsProblem: string | undefined;
  operation: FullOperation | undefined;
  operationProblem: string | undefined;
};

/** Reads what is chosen; `news` is called after each answer that is still wanted then. */
export class ChosenReader {
  chosen: Chosen = NOTHING;
  readonly #looked: () => Address;
  readonly #news: () => void;
  #again: number | undefined;

  constructor(looked: () => Address, news: () => void) {
    this.#looked = looked;
    this.#news = news;
  }

  forget(): void {
    this.chosen = NOTHING;
  }

  /** Record and z/VM of the chosen guest in full. */
  async readGuest(): Promise<void> {
    const { guest, host } = this.#looked();
    if (guest === '' || host === '') return;
    this.#tell({ fullProblem: undefined });
    try {
      const fullGuest = await getGuest(host, guest);
      const looked = this.#looked();
      if (looked.guest === guest && looked.host === host) this.#tell({ fullGuest });
    } catch (error) {
      this.#tell({ fullProblem: messageOf(error) });
    }
    this.#news();
  }

  /** Operations of the chosen port, or of the whole guest. */
  async readOperations(portId: string | undefined): Promise<void> {
    const { guest, nic, host } = this.#looked();
    if (guest === '' || host === '') return;
    this.#tell({ operationsProblem: undefined });
    const of = portId === undefined ? { userid: guest } : { port: portId };
    try {
      const { operations: list } = await getOperations(new URLSearchParams({ host, limit: '15', ...of }));
      const looked = this.#looked();
      if (looked.guest !== guest || looked.nic !== nic) return;
      this.#tell({ operations: { guest, nic, list } });
    } catch (error) {
      this.#tell({ operationsProblem: messageOf(error) });
    }
    this.#news();
  }

  /** The chosen operation, and again as long as it runs. */
  async readOperation(): Promise<void> {
    clearTimeout(this.#again);
    const { operation: chosen } = this.#looked();
    const [id, runId] = chosen.split('/');
    if (id === undefined || runId === undefined) return;
    if (this.chosen.operation?.runId !== runId) this.#tell({ operation: undefined });
    try {
      const operation = await getOperation(id, runId);
      if (this.#looked().operation !== chosen) return;
      this.#tell({ operation, operationProblem: undefined });
      if (operation.state === 'running') this.#again = window.setTimeout(() => void this.readOperation(), LOOK_MS);
    } catch (error) {
      if (this.#looked().operation !== chosen) return;
      this.#tell({ operationProblem: messageOf(error) });
    }
    this.#news();
  }

  /** Operations of the chosen guest that its list does not show as they are. */
  isNews({ runId, state, outcome }: ListedOperation): boolean {
    const known = this.chosen.operations?.list.find((each) => each.runId === runId);
    return known === undefined || known.state !== state || known.outcome !== outcome;
  }

  #tell(news: Partial<Chosen>): void {
    this.chosen = { ...this.chosen, ...news };
  }
}

const NOTHING: Chosen = {
  fullGuest: undefined,
  fullProblem: undefined,
  operations: undefined,
  operationsProblem: undefined,
  operation: undefined,
  operationProblem: undefined,
};

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
