import { isCancellation, workflowInfo } from '@temporalio/workflow';
import type { Batch } from '../domain/operations/batch.ts';

// A worker works off what the guests of a window do at the same moment before Temporal gives it up.
const GUESTS_IN_WINDOW = 100;
/**
 * The guests of two windows are read at once (activities/lent-windows.ts), while those of others are changed and given back. A further window begins when
 * one of the two is planned.
 */
const WINDOWS_AT_ONCE = 5;

/** Guests in windows: the guests of one window share xCAT's calls. */
export class GuestWindows<Guest> {
  readonly #windows: Guest[][];

  constructor(guests: readonly Guest[]) {
    const left = [...guests];
    this.#windows = windowSizes(guests.length).map((size) => left.splice(0, size));
  }

  /** Guests of windows that have not begun. */
  get left(): Guest[] {
    return this.#windows.flat();
  }

  /**
   * Work on each guest, and begin no further window once `isFull` is true. Waits for all guests also when some fail, so that a cancelled run
   * rolls its guests back first. Throws the failure of one of them, a cancellation last.
   */
  async run(work: (guest: Guest, batch: Batch) => Promise<void>, isFull = () => false): Promise<void> {
    const next = async () => {
      for (let guests = this.#windows.shift(); guests !== undefined; guests = this.#windows.shift()) {
        const batch = { window: `${workflowInfo().runId}/${this.#windows.length}`, size: guests.length };
        await allSettled(guests.map((guest) => work(guest, batch)));
        if (isFull()) return;
      }
    };
    await allSettled(Array.from({ length: WINDOWS_AT_ONCE }, next));
  }
}

/**
 * The sizes of the windows of so many guests. Where there are more than fit at once, the first ones grow in steps: windows that begin together would end
 * together, and DirMaint would have nothing to do until the next ones have been read.
 */
export function windowSizes(guests: number): number[] {
  const grows = guests > WINDOWS_AT_ONCE * GUESTS_IN_WINDOW;
  const sizes: number[] = [];
  for (let left = guests; left > 0; left -= sizes.at(-1) ?? left) {
    const share = grows ? Math.min(1, (sizes.length + 1) / WINDOWS_AT_ONCE) : 1;
    sizes.push(Math.round(share * GUESTS_IN_WINDOW));
  }
  return sizes;
}

async function allSettled(parts: readonly Promise<void>[]): Promise<void> {
  const settled = await Promise.allSettled(parts);
  const errors = settled.flatMap((part) => (part.status === 'rejected' ? [part.reason] : []));
  if (errors.length > 0) throw errors.find((error) => !isCancellation(error)) ?? errors[0];
}
