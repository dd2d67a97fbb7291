import {
  condition,
  defineUpdate,
  setHandler,
  sleep,
  upsertMemo,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import { defined } from '../domain/defined.ts';
import type { Effect } from '../domain/operations/results.ts';
import { type Refusal, refusal } from '../domain/planning/refusal.ts';
import {
  type Caller,
  type Consent,
  refusalOf,
  VIAS,
  type Wait,
  waitText,
  whyNotApproved,
} from '../domain/policy/verdict.ts';
import { MEMO } from '../temporal-config/names.ts';
import { ZVM_APPROVED_BY, ZVM_OUTCOME } from '../temporal-config/search-attributes.ts';
import { callerOfRun } from './caller.ts';
import { refused } from './failures.ts';
import { type Progress, showProgress } from './progress.ts';
import { isAbsentOr, isRecord, isText } from './untrusted-input.ts';

/** A decision on a plan that waits, as it comes in. The memo of the operation keeps it with its time. */
export type Decision = {
  kind: 'approved' | 'rejected';
  plan: string;
  by: string;
  via: string;
  reason?: string;
  at: string;
};

/** Update to an operation that waits for an approval: `{ plan, by, reason? }`. Refused for another plan, and for who may not approve it. */
export const approve = defineUpdate<Decision, [unknown]>('approve');
/** Update likewise: the operation ends, and nothing is touched. */
export const reject = defineUpdate<Decision, [unknown]>('reject');

/** A plan that waits, as the operation shows it. */
export type WaitingWork = {
  /** One line for operators. */
  summary: string;
  plan: string;
  effect?: Effect | undefined;
  /** As far as they are shown. */
  steps: readonly string[];
  moreSteps?: number;
  wait: Wait;
  links?: Progress['links'];
};

/** The decisions on the plans of one operation. */
export type Approvals = {
  /**
   * Wait until the plan may be carried out: for an approval, which the answer is, or for a window. Throws a `Refused` failure when it is rejected, and
   * when nobody decides in time.
   */
  wait(work: WaitingWork): Promise<Consent | undefined>;
};

const LONGEST_REASON = 500;
const MOST_STEPS = 40;
const LEAST_PAUSE_MS = 1_000;
const MINUTE_MS = 60_000;

/** Take decisions on the plans of this operation. Call it once in a workflow, before anything that waits. */
export function approvals(): Approvals {
  const caller = callerOfRun();
  let open: WaitingWork | undefined;
  let last: Decision | undefined;
  const validator = (kind: Decision['kind']) => (given: unknown) => {
    const refusals = refusalsOfDecision(kind, given, open, last, caller);
    if (refusals.length > 0) throw refused(refusals);
  };
  const decide = (kind: Decision['kind']) => (given: unknown) => {
    // The other one of two decisions that came at the same moment.
    validator(kind)(given);
    last = decisionFrom(kind, given, open);
    open = undefined;
    return last;
  };
  setHandler(approve, decide('approved'), { validator: validator('approved'), description: 'Agree to the plan' });
  setHandler(reject, decide('rejected'), { validator: validator('rejected'), description: 'End the operation' });

  const decision = async (work: WaitingWork, withinMinutes: number): Promise<Consent> => {
    open = work;
    last = undefined;
    const ends = { summary: 'the approval is waited for no longer' };
    await condition(() => last !== undefined, Math.ceil(withinMinutes * MINUTE_MS), ends).finally(() => {
      open = undefined;
    });
    if (last === undefined) throw refused([inVain(withinMinutes)]);
    const { kind, plan, by, reason } = last;
    upsertMemo({ [MEMO.decision]: last });
    if (kind === 'rejected') throw refused([rejected(by, reason)]);
    upsertSearchAttributes([{ key: ZVM_APPROVED_BY, value: by }]);
    return { plan, by };
  };

  return {
    async wait(work) {
      const { wait, summary, links } = work;
      if (workflowInfo().memo?.[MEMO.unattended] === true) throw refused([refusalOf(wait)]);
      showWaiting(work);
      const consent =
        wait.kind === 'approval'
          ? await decision(work, wait.withinMinutes)
          : await sleep(Math.max(LEAST_PAUSE_MS, wait.opensAt - Date.now()), {
              summary: `window ${wait.windows.join(', ')} opens`,
            }).then(() => undefined);
      upsertSearchAttributes([{ key: ZVM_OUTCOME, value: null }]);
      showProgress({ subject: summary, state: 'in progress', ...defined({ links }) });
      return consent;
    },
  };
}

/** Show the plan and what it waits for: by progress, by memo, which lists have, and by the outcome that it is found by. */
function showWaiting({ summary, plan, effect, steps, moreSteps = 0, wait, links }: WaitingWork): void {
  const outcome = wait.kind === 'approval' ? 'awaiting-approval' : 'awaiting-window';
  const until = wait.kind === 'approval' ? Date.now() + wait.withinMinutes * MINUTE_MS : wait.opensAt;
  const { kind, rules } = wait;
  const shown = steps.slice(0, MOST_STEPS);
  upsertSearchAttributes([{ key: ZVM_OUTCOME, value: outcome }]);
  upsertMemo({
    [MEMO.awaits]: {
      ...{
        kind,
        plan,
        ...defined({ effect }),
        steps: shown,
        moreSteps: steps.length - shown.length + moreSteps,
        rules,
      },
      approvers: wait.kind === 'approval' ? wait.approvers : [],
      until: new Date(until).toISOString(),
    },
  });
  const ends = wait.kind === 'approval' ? ` It ends at ${timeText(until)} when nobody decides.` : '';
  showProgress({
    subject: summary,
    state: waitText(wait),
    reason: `Plan ${plan}${effect === 'interrupts' ? ', which interrupts live NICs' : ''}.${ends}`,
    ...defined({ links }),
    lists: { planned: steps },
  });
}

function refusalsOfDecision(
  kind: Decision['kind'],
  given: unknown,
  open: WaitingWork | undefined,
  last: Decision | undefined,
  caller: Caller,
): Refusal[] {
  if (!isDecision(given)) {
    const form = '{ plan, by, reason }, of which plan and by are text';
    return [refusal('input', `a decision is ${form}`, 'correct it')];
  }
  const { plan, by } = given;
  if (open === undefined || open.wait.kind !== 'approval') {
    const reason = last === undefined ? 'it does not wait for an approval' : `${last.by} has ${last.kind} it already`;
    return [refusal('operation', reason, 'look at the operation again')];
  }
  if (plan !== open.plan) return [refusal('plan', `plan ${open.plan} waits`, 'look at that plan, and decide on it')];
  const why = kind === 'approved' ? whyNotApproved(open.wait.approvers, caller, by) : undefined;
  return why === undefined ? [] : [why];
}

type Given = { plan: string; by: string; via?: string; reason?: string };

function isDecision(given: unknown): given is Given {
  return (
    isRecord(given) &&
    isText(given.plan) &&
    isText(given.by) &&
    given.by.trim() !== '' &&
    isAbsentOr(given.via, isText) &&
    isAbsentOr(given.reason, (reason) => typeof reason === 'string')
  );
}

function decisionFrom(kind: Decision['kind'], given: unknown, open: WaitingWork | undefined): Decision {
  if (!isDecision(given) || open === undefined) throw new Error('a decision was taken that no check has seen');
  const via = VIAS.find((each) => each === given.via) ?? 'temporal';
  const reason = given.reason?.slice(0, LONGEST_REASON);
  const at = new Date(Date.now()).toISOString();
  return { kind, plan: open.plan, by: given.by, via, ...defined({ reason: reason === '' ? undefined : reason }), at };
}

function rejected(by: string, reason: string | undefined): Refusal {
  const why = reason === undefined ? '' : `: ${reason}`;
  return refusal('approval', `${by} has rejected the plan${why}`, 'ask for another change, or speak with them');
}

function inVain(withinMinutes: number): Refusal {
  const hours = Math.round((withinMinutes / 60) * 100) / 100;
  return refusal(
    'approval',
    `nobody has approved the plan within ${hours} h`,
    'start the operation again if it is still wanted',
  );
}

function timeText(at: number): string {
  return new Date(at).toISOString().replace(/\.\d+/, '');
}
