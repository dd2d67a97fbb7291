import { workflowInfo } from '@temporalio/workflow';
import { defined } from '../domain/defined.ts';
import type { Batch } from '../domain/operations/batch.ts';
import type { Effect } from '../domain/operations/results.ts';
import { type Consent, strictestOf, type Wait } from '../domain/policy/verdict.ts';
import type { Userid } from '../domain/text/identifiers.ts';
import type { WaitingWork } from './approval.ts';
import type { RequestResult } from './guest-queue-messages.ts';
import type { Governed } from './guest-queues.ts';
import { GuestWindows } from './guest-windows.ts';
import { isRecord } from './untrusted-input.ts';

/** Plans that one decision is asked for: the plan's id of each guest, and what is shown of them. */
type AskedPlans = { plans: Record<string, string>; wait: Wait; effect: Effect; steps: string[]; moreSteps: number };

/** The rounds of a bulk operation, as its next run takes them over. */
export type CarriedRounds<Guest> = {
  /** Guests of the whole operation. */
  guests: number;
  /** The guests are planned first, so that one decision is asked for all. */
  isPlanning: boolean;
  /** Guests that come in the next round. */
  next: Guest[];
  asked?: AskedPlans;
  /** The approved plan of each guest. */
  consents: Record<string, Consent>;
  /** The time at which the policy has let the operation go on, in milliseconds of Unix time. */
  acceptedAt?: number;
};

type Round<Guest> = {
  /** Called with the guests of a round before the first of them is worked on. */
  begins(guests: readonly Guest[]): void;
  /** Work on one guest; whoever is to come again is put into `next` of the rounds. */
  work(guest: Guest, batch: Batch): Promise<void>;
  /** Wait for the decision on the plans that were asked for. */
  decide(asked: AskedPlans): Promise<Consent | undefined>;
};

const MOST_STEPS = 40;

/**
 * Work on guests in rounds, until none is to come again: where a plan has to wait, one decision is asked for all of a round. Answers the guests that
 * are left when the history of this run is full: its next run begins with them.
 */
export async function inRounds<Guest>(
  guests: readonly Guest[],
  state: CarriedRounds<Guest>,
  { begins, work, decide }: Round<Guest>,
): Promise<Guest[]> {
  let round = guests;
  for (let number = 0; round.length > 0; number += 1) {
    const windows = new GuestWindows(round);
    begins(round);
    // Each round gathers anew.
    const ofRound = (batch: Batch) => ({ ...batch, window: `${batch.window}/${number}` });
    await windows.run(
      (guest, batch) => work(guest, ofRound(batch)),
      () => workflowInfo().continueAsNewSuggested,
    );
    if (windows.left.length > 0) return windows.left;
    if (state.asked !== undefined) takeConsent(state, await decide(state.asked));
    round = state.next;
    Object.assign(state, { next: [], isPlanning: false });
  }
  return [];
}

/** True for rounds as a run carries them. */
export function isCarriedRounds(carried: Record<string, unknown>): boolean {
  return Array.isArray(carried.next) && isRecord(carried.consents) && typeof carried.guests === 'number';
}

/** The part of a guest's request that the policy needs. */
export function governedBy({ guests, consents, acceptedAt }: CarriedRounds<unknown>, userid: Userid): Governed {
  return { guests, ...defined({ consent: consents[userid], acceptedAt }) };
}

/** Add a guest's plan to those that a decision is asked for. */
export function addAsked(
  state: CarriedRounds<unknown>,
  userid: Userid,
  { plan = '', effect, steps }: RequestResult,
  wait: Wait,
) {
  const { asked } = state;
  const all = [...(asked?.steps ?? []), ...steps];
  state.asked = {
    plans: { ...asked?.plans, [userid]: plan },
    wait: strictestOf([...(asked === undefined ? [] : [asked.wait]), wait]) ?? wait,
    effect: asked?.effect === 'interrupts' || effect === 'interrupts' ? 'interrupts' : 'changes',
    steps: all.slice(0, MOST_STEPS),
    moreSteps: (asked?.moreSteps ?? 0) + Math.max(0, all.length - MOST_STEPS),
  };
}

/** Those plans as one, of which each guest's plan is a part. */
export function waitingWork({ plans, ...shown }: AskedPlans, summary: string): WaitingWork {
  return { summary, plan: planOfAll(Object.values(plans)), ...shown };
}

/** Go on with the plans that were asked for: the agreement to all of them is one to each. */
function takeConsent(state: CarriedRounds<unknown>, consent: Consent | undefined): void {
  for (const [userid, plan] of Object.entries(state.asked?.plans ?? {}))
    if (consent !== undefined) state.consents[userid] = { plan, by: consent.by };
  state.acceptedAt = Date.now();
  delete state.asked;
}

const HEX_DIGITS = 32;
const HEX = /^[0-9a-f]{1,32}$/;

/** One id for several plans, whatever their order: the sum of their ids. Each guest's own id is compared before it is changed. */
export function planOfAll(plans: readonly string[]): string {
  // An answer comes by signal: one without an id, or with a word that is none, adds nothing.
  const sum = plans.reduce((total, plan) => total + (HEX.test(plan) ? BigInt(`0x${plan}`) : 0n), 0n);
  return BigInt.asUintN(HEX_DIGITS * 4, sum)
    .toString(16)
    .padStart(HEX_DIGITS, '0');
}
