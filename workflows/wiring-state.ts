import { defined } from '../domain/defined.ts';
import type { RequestOf } from '../domain/operations/operations.ts';
import type { RestoredPort } from '../domain/operations/requests.ts';
import type { Effect } from '../domain/operations/results.ts';
import { type Consent, strictestOf, type Wait } from '../domain/policy/verdict.ts';
import type { Mac } from '../domain/port/mac.ts';
import type { Vdev } from '../domain/port/vdev.ts';
import type { PortId, Userid } from '../domain/text/identifiers.ts';
import type { WaitingWork } from './approval.ts';
import { malformed } from './failures.ts';
import type { RequestResult } from './guest-queue-messages.ts';
import type { Governed } from './guest-queues.ts';
import { isRecord, isText } from './untrusted-input.ts';

/** The outcome of one port. */
export type WiredPort = {
  userid: Userid;
  portId: PortId;
  /** After a dry run, the outcome that it would have. */
  outcome: 'wired' | 'unchanged' | 'refused' | 'failed';
  vdev?: Vdev;
  mac?: Mac | undefined;
  /** The reason why it was refused or failed. */
  reason?: string;
  /** The port as an undo needs it, of a wired one; `before` is absent of a port that was not recorded. */
  before?: RestoredPort['before'];
  left?: string;
};

/** A guest and its ports of a bulk operation. */
export type GuestPorts = { userid: Userid; ports: RequestOf<'wirePorts'>['ports'] };

/** Plans that one decision is asked for: the plan's id of each guest, and what is shown of them. */
type AskedPlans = { plans: Record<string, string>; wait: Wait; effect: Effect; steps: string[]; moreSteps: number };

/** A bulk operation as its next run takes it over. */
export type CarriedWiring = {
  done: WiredPort[];
  /** Guests of the whole operation. */
  guests: number;
  /** The guests are planned first, so that one decision is asked for all. */
  isPlanning: boolean;
  /** Guests that come in the next round. */
  next: GuestPorts[];
  asked?: AskedPlans;
  /** The approved plan of each guest. */
  consents: Record<string, Consent>;
  /** The time at which the policy has let the operation go on, in milliseconds of Unix time. */
  acceptedAt?: number;
};

const MOST_STEPS = 40;

/** The state that a run begins with. Throws for one that no run has carried. */
export function carriedWiring(carried: unknown): CarriedWiring | undefined {
  if (carried === undefined) return undefined;
  const isDone = (port: unknown) =>
    isRecord(port) && isText(port.portId) && isText(port.userid) && isText(port.outcome);
  const isRight =
    isRecord(carried) &&
    [carried.done, carried.next].every(Array.isArray) &&
    (carried.done as unknown[]).every(isDone) &&
    isRecord(carried.consents) &&
    typeof carried.guests === 'number';
  if (!isRight) throw malformed('done');
  return { ...(carried as CarriedWiring) };
}

/** The part of a guest's request that the policy needs. */
export function governedBy({ guests, consents, acceptedAt }: CarriedWiring, userid: Userid): Governed {
  return { guests, ...defined({ consent: consents[userid], acceptedAt }) };
}

/** Add a guest's plan to those that a decision is asked for. */
export function addAsked(
  state: CarriedWiring,
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
export function takeConsent(state: CarriedWiring, consent: Consent | undefined): void {
  for (const [userid, plan] of Object.entries(state.asked?.plans ?? {}))
    if (consent !== undefined) state.consents[userid] = { plan, by: consent.by };
  state.acceptedAt = Date.now();
  delete state.asked;
}

const HEX_DIGITS = 32;

/** One id for several plans, whatever their order: the sum of their ids. Each guest's own id is compared before it is changed. */
function planOfAll(plans: readonly string[]): string {
  const sum = plans.reduce((total, plan) => total + BigInt(`0x${plan}`), 0n);
  return BigInt.asUintN(HEX_DIGITS * 4, sum)
    .toString(16)
    .padStart(HEX_DIGITS, '0');
}
