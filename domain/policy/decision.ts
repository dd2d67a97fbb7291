import { type Refusal, refusal } from '../planning/refusal.ts';
import { type Match, type Policy, type Rule, windowOf } from './policy.ts';
import { type Caller, type Consent, isNamed, type Verdict, whyNotApproved } from './verdict.ts';
import { allOpenAt, isOpen } from './window.ts';

/** All that a policy looks at: a planned change, and who asks for it. */
export type PlannedForPolicy = {
  /** The plan's id. */
  plan: string;
  host: string;
  userid?: string;
  caller: Caller;
  /** It takes a live NIC off the network for a moment. */
  interrupts: boolean;
  /** A port or a VSWITCH goes. */
  deletes: boolean;
  /** A VSWITCH itself is changed. */
  vswitch: boolean;
  /** The record of a guest is brought to another backend. */
  migrates?: true;
  /** Guests that the whole operation changes. */
  guests: number;
  /** VSWITCHes before and after it, and their physical networks. */
  vswitches: readonly string[];
  networks: readonly string[];
  /** VLANs before and after it; a change of a VSWITCH concerns all. */
  vlans: readonly (number | 'flat')[] | 'all';
};

const MINUTES_OF_AN_HOUR = 60;

/**
 * The policy's word on a plan. The strictest rule that matches decides: refuse, then approval, then window. An approval counts for the plan that it
 * names, and as long as the rules let its giver approve. `now`: milliseconds of Unix time.
 */
export function decidePolicy(
  policy: Policy,
  planned: PlannedForPolicy,
  consent: Consent | undefined,
  now: number,
): Verdict {
  const matching = policy.rules.filter(({ match }) => matches(match, policy, planned, now));
  const refusals = matching.flatMap((rule) => (rule.action === 'refuse' ? [refusedBy(rule)] : []));
  if (refusals.length > 0) return { kind: 'refuse', refusals };
  return awaitsApproval(matching, planned, consent) ?? awaitsWindow(matching, policy, now) ?? { kind: 'go' };
}

function refusedBy({ name, because }: Extract<Rule, { action: 'refuse' }>): Refusal {
  const advice = 'ask those who keep the policy of the host';
  return refusal('policy', `rule "${name}" forbids it${because === undefined ? '' : `: ${because}`}`, advice);
}

function awaitsApproval(
  matching: readonly Rule[],
  { plan, caller }: PlannedForPolicy,
  consent: Consent | undefined,
): Verdict | undefined {
  const rules = matching.filter((rule) => rule.action === 'approval');
  if (rules.length === 0) return undefined;
  const approvers = rules.flatMap((rule) => (rule.approvers === undefined ? [] : [rule.approvers]));
  const agreed = consent?.plan === plan && whyNotApproved(approvers, caller, consent.by) === undefined;
  if (agreed) return undefined;
  if (caller.by === undefined) return { kind: 'refuse', refusals: [unknownAsker(rules)] };
  return {
    kind: 'approval',
    rules: rules.map(({ name }) => name),
    approvers,
    withinMinutes: Math.min(...rules.map(({ withinHours }) => withinHours * MINUTES_OF_AN_HOUR)),
  };
}

/** Nobody could tell whether the one who approves is the one who asked. */
function unknownAsker([rule]: readonly Rule[]): Refusal {
  return refusal(
    'policy',
    `rule "${rule?.name}" asks for an approval, and nobody has said who asks`,
    'start the operation by the API or by zvmnet, or with the search attribute ZvmBy',
  );
}

function awaitsWindow(matching: readonly Rule[], policy: Policy, now: number): Verdict | undefined {
  const rules = matching.filter((rule) => rule.action === 'window');
  const named = [...new Set(rules.map(({ window }) => window))];
  const waited = named.flatMap((name) => windowOf(policy, name) ?? []);
  const opensAt = allOpenAt(waited, now);
  if (opensAt === now) return undefined;
  if (opensAt !== undefined) return { kind: 'window', rules: rules.map(({ name }) => name), windows: named, opensAt };
  const reason = `the windows ${named.join(', ')} are never open together`;
  return { kind: 'refuse', refusals: [refusal('policy', reason, 'have the policy of the host corrected')] };
}

function matches(match: Match, policy: Policy, planned: PlannedForPolicy, now: number): boolean {
  const { host, userid, vswitches, networks, vlans, caller } = planned;
  const { outside } = match;
  const window = outside === undefined ? undefined : windowOf(policy, outside);
  return [
    match.interrupts === undefined || match.interrupts === planned.interrupts,
    match.deletes === undefined || match.deletes === planned.deletes,
    match.vswitch === undefined || match.vswitch === planned.vswitch,
    match.migrates === undefined || match.migrates === (planned.migrates ?? false),
    match.moreGuestsThan === undefined || planned.guests > match.moreGuestsThan,
    match.hosts === undefined || isNamed(host, match.hosts),
    match.guests === undefined || (userid !== undefined && isNamed(userid, match.guests)),
    match.vswitches === undefined || someNamed(vswitches, match.vswitches),
    match.networks === undefined || someNamed(networks, match.networks),
    match.vlans === undefined || vlans === 'all' || vlans.some((vlan) => match.vlans?.includes(vlan)),
    isAskedBy(match, caller),
    window === undefined || !isOpen(window, now),
  ].every(Boolean);
}

/** An unknown caller counts as each that a rule names, and as none that it exempts. */
function isAskedBy({ callers, exceptCallers, via, exceptVia }: Match, caller: Caller): boolean {
  return (
    (callers === undefined || caller.by === undefined || isNamed(caller.by, callers)) &&
    (exceptCallers === undefined || caller.by === undefined || !isNamed(caller.by, exceptCallers)) &&
    (via === undefined || via.includes(caller.via)) &&
    (exceptVia === undefined || !exceptVia.includes(caller.via))
  );
}

function someNamed(names: readonly string[], patterns: readonly string[]): boolean {
  return names.some((name) => isNamed(name, patterns));
}
