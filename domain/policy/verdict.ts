import { type Refusal, refusal } from '../planning/refusal.ts';

// Workflows import this file, so it may not import zod (docs/decisions/06-workflows-hold-no-zod.md).

/** The ways by which operations come in. `schedule` is the Schedule of reconciliation. */
export const VIAS = ['http', 'zvmnet', 'neutron', 'schedule', 'temporal'] as const;
export type Via = (typeof VIAS)[number];

/** The person or program that asks for a change, and the way by which it came in. `by` is absent where nobody has said it. */
export type Caller = { by?: string; via: Via };

/** An agreement to one plan, by its id. */
export type Consent = { plan: string; by: string };

/** All that a policy cannot read from a plan: the caller, the approval that there is, and as many guests as the whole operation changes. */
export type PolicyQuestion = { caller: Caller; consent?: Consent; guests?: number };

/** The reason why a change has to wait: a second person, or a window. */
export type Wait =
  | {
      kind: 'approval';
      /** The names of the rules that ask for it. */
      rules: string[];
      /** Patterns of names: who approves has to be in each list. */
      approvers: string[][];
      /** The operation ends when nobody has decided by then. */
      withinMinutes: number;
    }
  /** `opensAt`: the first time at which all windows are open, in milliseconds of Unix time. */
  | { kind: 'window'; rules: string[]; windows: string[]; opensAt: number };

/** The policy's word on a plan, from the least strict to the strictest. */
export type Verdict = { kind: 'go' } | Wait | { kind: 'refuse'; refusals: Refusal[] };

/** True when the name fits one of the patterns, in which `*` stands for any characters. Upper and lower case are the same. */
export function isNamed(name: string, patterns: readonly string[]): boolean {
  return patterns.some((pattern) => {
    const source = pattern.split('*').map((part) => part.replaceAll(/[.+?^${}()|[\]\\]/g, '\\$&'));
    return new RegExp(`^${source.join('.*')}$`, 'is').test(name.trim());
  });
}

/** The reason why this person cannot approve what the caller has asked for; undefined when they can. */
export function whyNotApproved(
  approvers: readonly (readonly string[])[],
  caller: Caller,
  by: string,
): Refusal | undefined {
  const asker = caller.by?.trim().toLowerCase();
  if (asker === undefined || asker === '')
    return refusal('by', 'nobody has said who asks for the operation', 'start it again by the API or by zvmnet');
  if (asker === by.trim().toLowerCase())
    return refusal('by', `${by} has asked for the operation`, 'somebody else approves it');
  if (approvers.every((list) => isNamed(by, list))) return undefined;
  const lists = approvers.map((list) => list.join(', ')).join('; and ');
  return refusal('by', `the policy does not let ${by} approve it`, `one of these approves it: ${lists}`);
}

/** The strictest of several waits, for one decision on all of them; undefined of none. */
export function strictestOf(waits: readonly Wait[]): Wait | undefined {
  const approvals = waits.filter((wait) => wait.kind === 'approval');
  const windows = waits.filter((wait) => wait.kind === 'window');
  const [approval] = approvals;
  const [window] = windows;
  if (approval !== undefined)
    return {
      kind: 'approval',
      rules: distinct(approvals.flatMap(({ rules }) => rules)),
      approvers: distinctLists(approvals.flatMap(({ approvers }) => approvers)),
      withinMinutes: Math.min(...approvals.map(({ withinMinutes }) => withinMinutes)),
    };
  if (window === undefined) return undefined;
  return {
    kind: 'window',
    rules: distinct(windows.flatMap(({ rules }) => rules)),
    windows: distinct(windows.flatMap((each) => each.windows)),
    opensAt: Math.max(...windows.map(({ opensAt }) => opensAt)),
  };
}

/** A wait as the end of a sentence: "waits for an approval, as rule x says". */
export function waitText(wait: Wait): string {
  const rules = `${wait.rules.length === 1 ? 'rule' : 'rules'} ${wait.rules.map((rule) => `"${rule}"`).join(', ')}`;
  if (wait.kind === 'approval') return `needs an approval, by ${rules}`;
  const opens = new Date(wait.opensAt).toISOString().replace(/\.\d+/, '');
  return `has to wait for window ${wait.windows.join(', ')}, which opens at ${opens}, by ${rules}`;
}

/** The refusal of a change that has to wait, for a caller that cannot: reconciliation and Neutron do not wait in the guest's queue. */
export function refusalOf(wait: Wait): Refusal {
  const advice =
    wait.kind === 'approval'
      ? 'start an operation for it, which a second person approves, or exempt the caller in the policy'
      : 'wait for the window, or exempt the caller in the policy';
  return refusal('policy', `the change ${waitText(wait)}`, advice);
}

function distinct(texts: readonly string[]): string[] {
  return [...new Set(texts)];
}

function distinctLists(lists: readonly string[][]): string[][] {
  return [...new Map(lists.map((list) => [JSON.stringify(list), list])).values()];
}
