import { condition, isCancellation } from '@temporalio/workflow';
import type { PortId } from '../domain/text/identifiers.ts';

/**
 * Nova writes its row one or two seconds after the binding, or minutes after it when it deploys an image first. For a minute, ACTIVE follows the
 * row within three seconds; later reconciliation looks too.
 */
const LONGEST_SOON_MS = 3_000;
const LOOKS_SOON = 20;
const LONGEST_LATER_MS = 30_000;
/** Close to five minutes; reconciliation finds an instance whose image takes longer. */
const MOST_LOOKS = 29;

/** The pause after so many vain look-ups, in milliseconds: 1, 2, 3 seconds, and after a minute longer each time. */
export function pauseAfter(looks: number): number {
  if (looks < LOOKS_SOON) return Math.min(1_000 * 2 ** looks, LONGEST_SOON_MS);
  return Math.min(LONGEST_SOON_MS * 2 ** (looks - LOOKS_SOON + 1), LONGEST_LATER_MS);
}

/** Ports that are bound here and whose guest no row of xCAT's tables names yet. One look-up covers all of them. */
export class PendingRows {
  private readonly look: (portIds: PortId[]) => void;
  /** Vain look-ups of each port. */
  private readonly looks = new Map<PortId, number>();
  private dueAt: number | undefined;
  private waiting = false;

  constructor(look: (portIds: PortId[]) => void) {
    this.look = look;
  }

  /** The ports without a row. */
  ports(): PortId[] {
    return [...this.looks.keys()];
  }

  /** Take in the result of a look-up: `missing` are its ports without a row. */
  looked(portIds: readonly PortId[], missing: readonly PortId[]): void {
    const still = new Set(missing);
    for (const portId of portIds) if (!still.has(portId)) this.looks.delete(portId);
    for (const portId of missing) {
      const looks = this.looks.get(portId) ?? 0;
      if (looks < MOST_LOOKS) this.looks.set(portId, looks);
      else this.looks.delete(portId);
    }
    this.plan();
  }

  /** Plan the next look-up for the port with the fewest look-ups so far. */
  private plan(): void {
    if (this.looks.size === 0) {
      this.dueAt = undefined;
      return;
    }
    const due = Date.now() + pauseAfter(Math.min(...this.looks.values()));
    this.dueAt = Math.min(due, this.dueAt ?? due);
    if (!this.waiting) void this.wait();
  }

  private async wait(): Promise<void> {
    this.waiting = true;
    try {
      for (let due = this.dueAt; due !== undefined; due = this.dueAt) {
        const summary = `look up the guests of ${this.looks.size} port(s) in xCAT again`;
        const isPlannedAnew = await condition(() => this.dueAt !== due, Math.max(1, due - Date.now()), { summary });
        if (isPlannedAnew) continue;
        this.dueAt = undefined;
        for (const [portId, looks] of this.looks) this.looks.set(portId, looks + 1);
        this.look(this.ports());
      }
    } catch (error) {
      // After a cancellation reconciliation looks again.
      if (!isCancellation(error)) throw error;
      this.looks.clear();
    } finally {
      this.waiting = false;
    }
  }
}
