import { condition, isCancellation } from '@temporalio/workflow';
import type { PortId } from '../domain/text/identifiers.ts';

/**
 * Nova writes its row a second or two after the binding, or minutes, when it deploys an image first. For a minute, ACTIVE follows the row
 * within three seconds; later on reconciliation looks too.
 */
const LONGEST_SOON_MS = 3_000;
const LOOKS_SOON = 20;
const LONGEST_LATER_MS = 30_000;
/** Close to five minutes: an instance whose image takes longer is found by reconciliation. */
const MOST_LOOKS = 29;

/** The pause before the next look at a port that was looked at so often in vain: 1, 2, 3 seconds, and from a minute on longer and longer. */
export function pauseAfter(looks: number): number {
  if (looks < LOOKS_SOON) return Math.min(1_000 * 2 ** looks, LONGEST_SOON_MS);
  return Math.min(LONGEST_SOON_MS * 2 ** (looks - LOOKS_SOON + 1), LONGEST_LATER_MS);
}

/** Ports that are bound here and of which no row of xCAT's tables says the guest yet. All of them are looked at again in one go. */
export class RowsToCome {
  private readonly look: (portIds: PortId[]) => void;
  /** How often each was looked at in vain. */
  private readonly looks = new Map<PortId, number>();
  private dueAt: number | undefined;
  private waiting = false;

  constructor(look: (portIds: PortId[]) => void) {
    this.look = look;
  }

  /** The ports that are still waited for. */
  ports(): PortId[] {
    return [...this.looks.keys()];
  }

  /** A look at some ports is over: `missing` are those of them without a row. */
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

  /** The next look is when that port is due which has been looked at the least. */
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
        const summary = `look again whether xCAT names the guests of ${this.looks.size} port(s)`;
        const isPlannedAnew = await condition(() => this.dueAt !== due, Math.max(1, due - Date.now()), { summary });
        if (isPlannedAnew) continue;
        this.dueAt = undefined;
        for (const [portId, looks] of this.looks) this.looks.set(portId, looks + 1);
        this.look(this.ports());
      }
    } catch (error) {
      // Cancelled: reconciliation looks again.
      if (!isCancellation(error)) throw error;
      this.looks.clear();
    } finally {
      this.waiting = false;
    }
  }
}
