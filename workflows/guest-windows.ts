import { isCancellation, workflowInfo } from '@temporalio/workflow';
import type { Batch } from './guest-request.ts';

// A worker keeps the runs of two windows in memory, and works off what they do at the same moment before Temporal gives it up.
const GUESTS_IN_WINDOW = 100;
/** A second window keeps the management node busy while the server hands out the tasks of the first. */
const WINDOWS_AT_ONCE = 2;

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
 * The sizes of the windows of so many guests. The first of more than two is half as large: two that begin together would end together, and DirMaint would
 * have nothing to do until the next ones have been read.
 */
export function windowSizes(guests: number): number[] {
  const first = guests > WINDOWS_AT_ONCE * GUESTS_IN_WINDOW ? GUESTS_IN_WINDOW / 2 : GUESTS_IN_WINDOW;
  const others = Math.ceil(Math.max(0, guests - first) / GUESTS_IN_WINDOW);
  return [first, ...Array.from({ length: others }, () => GUESTS_IN_WINDOW)];
}

async function allSettled(parts: readonly Promise<void>[]): Promise<void> {
  const settled = await Promise.allSettled(parts);
  const errors = settled.flatMap((part) => (part.status === 'rejected' ? [part.reason] : []));
  if (errors.length > 0) throw errors.find((error) => !isCancellation(error)) ?? errors[0];
}
