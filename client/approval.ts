import { type Client, WorkflowNotFoundError, WorkflowUpdateFailedError } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { z } from 'zod';
import { defined } from '../domain/defined.ts';
import { Effect } from '../domain/operations/results.ts';
import { VIAS } from '../domain/policy/verdict.ts';
import { MEMO, workflowIdOf } from '../temporal-config/names.ts';
import { AWAITING_OUTCOMES } from '../temporal-config/search-attributes.ts';
import { clientOf, LONGEST_REASON, type Origin } from './origin.ts';

/** A plan that waits, as the memo of its operation has it. */
export const WaitingPlan = z.object({
  /** `approval`: somebody has to agree; `window`: it goes on by itself. */
  kind: z.enum(['approval', 'window']),
  plan: z.string(),
  effect: Effect.optional(),
  /** The first steps, and the number of further ones. */
  steps: z.array(z.string()),
  moreSteps: z.number(),
  /** The rules of the policy that have it wait. */
  rules: z.array(z.string()),
  /** Patterns of names: who approves has to be in each list. */
  approvers: z.array(z.array(z.string())),
  /** The end of the wait for an approval, or the opening of the window. */
  until: z.string(),
});
export type WaitingPlan = z.infer<typeof WaitingPlan>;

/** A decision on a plan. */
export const Decision = z.object({
  kind: z.enum(['approved', 'rejected']),
  plan: z.string(),
  by: z.string(),
  via: z.enum(VIAS),
  reason: z.string().max(LONGEST_REASON).optional(),
  at: z.string(),
});
export type Decision = z.infer<typeof Decision>;

/** The plan of an operation that awaits an approval or a window, and the last decision on a plan of it. */
export type Decided = { awaits?: WaitingPlan; decision?: Decision };

/** The same from a run's memo. The plan stays there: only the outcome tells whether it still waits. */
export function decidedOf(memo: Record<string, unknown> | undefined, outcome: string | undefined): Decided {
  const isWaiting = AWAITING_OUTCOMES.some((each) => each === outcome);
  return defined({
    awaits: isWaiting ? WaitingPlan.safeParse(memo?.[MEMO.awaits]).data : undefined,
    decision: Decision.safeParse(memo?.[MEMO.decision]).data,
  });
}

/** A decision that its operation does not take: it waits for none, or another plan waits, or this person may not decide. Nothing has changed. */
export class DecisionRefused extends Error {
  override readonly name = 'DecisionRefused';
  /** The part of the decision at fault: `operation`, `plan` or `by`. */
  readonly field: string;
  readonly reason: string;
  readonly advice: string;

  constructor({ field, reason, advice }: { field: string; reason: string; advice: string }) {
    super(`${reason}; ${advice}`);
    this.field = field;
    this.reason = reason;
    this.advice = advice;
  }
}

const Refusals = z.array(z.object({ field: z.string(), reason: z.string(), advice: z.string() }));

/**
 * Approve or reject the plan that an operation waits with. Throws DecisionRefused, and what the Temporal client throws: no answer in time when the host
 * has no worker.
 */
export async function decideOn(
  client: Client,
  { id, runId }: { id: string; runId: string },
  kind: 'approve' | 'reject',
  plan: string,
  { by, via, reason }: Pick<Origin, 'by' | 'via' | 'reason'>,
): Promise<Decision> {
  try {
    const handle = clientOf(client, by).workflow.getHandle(workflowIdOf(id), runId);
    return Decision.parse(await handle.executeUpdate(kind, { args: [{ plan, by, via, ...defined({ reason }) }] }));
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) throw ended();
    const refused = error instanceof WorkflowUpdateFailedError ? refusalIn(error.cause) : undefined;
    throw refused ?? error;
  }
}

function refusalIn(cause: unknown): DecisionRefused | undefined {
  if (!(cause instanceof ApplicationFailure)) return undefined;
  // An operation that ends with the update under way fails it by a type of the server.
  if (cause.type !== 'Refused') return ended();
  const [first] = Refusals.safeParse(cause.details?.[0]).data ?? [];
  return first === undefined ? undefined : new DecisionRefused(first);
}

function ended(): DecisionRefused {
  return new DecisionRefused({ field: 'operation', reason: 'it has ended', advice: 'look at the operation again' });
}
