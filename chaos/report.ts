import type { WayName } from './load.ts';
import type { Operation, Outcome } from './operation.ts';
import { countOf, type Finding, type Verdict } from './verdict.ts';

/** The result of a run: one JSON object. */
export type Report = {
  seed: number;
  /** The numbers of operations that Temporal accepted, and of those that ended. */
  accepted: number;
  ended: number;
  /** Neighbouring pairs on one port that were carried out in the reverse order. */
  inverted: number;
  /** Ports that differ from the last accepted word that was carried out. */
  wrongLastWord: number;
  /** Rows, NICs, MACs and grants that are duplicate or belong to no port. */
  doubled: number;
  /** Workflows that are still open or lost, and guests that cannot be changed any more. */
  locked: number;
  /** Runs of `convergeGuest`. */
  guestRuns: number;
  /** Operations whose answers fit no order of acceptance. */
  wrongAnswers: number;
  /** The numbers of neighbouring pairs, and of those that z/VM's log does not show. */
  pairs: number;
  unobserved: number;
  outcomes: Partial<Record<Outcome | 'dryRun', number>>;
  sent: Record<WayName, number>;
  /** Requests whose issuers never learned whether they were accepted. */
  unanswered: number;
  cancels: number;
  reconciliations: number;
  faults: Partial<Record<string, number>>;
  /** Processes that ended unexpectedly. */
  endedByThemselves: number;
  /** The times of Temporal's restarts, in milliseconds. */
  temporalBackMs: number[];
  /** The seconds until all operations had ended, after everything was restored. */
  settledSeconds: number;
  /** Guests that a final dry run of reconciliation found drifted. */
  drifted: number | null;
  httpCalls: number;
  smapiCalls: number;
  /** Failed operations with their messages. */
  failures: { workflowId: string; message: string }[];
  findings: Finding[];
};

/** The facts of a run besides its verdict. */
export type RunFacts = Pick<
  Report,
  | 'seed'
  | 'guestRuns'
  | 'sent'
  | 'unanswered'
  | 'cancels'
  | 'reconciliations'
  | 'faults'
  | 'endedByThemselves'
  | 'temporalBackMs'
  | 'settledSeconds'
  | 'drifted'
  | 'httpCalls'
  | 'smapiCalls'
>;

/** The report of a run from its verdict, operations and facts. */
export function reportOf(verdict: Verdict, operations: readonly Operation[], facts: RunFacts): Report {
  const outcomes: Report['outcomes'] = {};
  for (const { dryRun, outcome } of operations) {
    const name = dryRun ? 'dryRun' : outcome;
    outcomes[name] = (outcomes[name] ?? 0) + 1;
  }
  const { seed, guestRuns, ...more } = facts;
  return {
    seed,
    accepted: operations.length,
    ended: operations.filter(({ endedAt }) => endedAt !== undefined).length,
    inverted: countOf(verdict, 'inverted'),
    wrongLastWord: countOf(verdict, 'wrongLastWord'),
    doubled: countOf(verdict, 'doubled'),
    locked: countOf(verdict, 'locked'),
    guestRuns,
    wrongAnswers: countOf(verdict, 'wrongAnswer'),
    pairs: verdict.pairs,
    unobserved: verdict.unobserved,
    outcomes,
    ...more,
    failures: operations
      .filter(({ outcome }) => outcome === 'failed')
      .map(({ workflowId, message = '' }) => ({ workflowId, message })),
    findings: verdict.findings,
  };
}

/** True without findings. An answer that fits no order of acceptance is an inversion that z/VM's log may not show. */
export function isRight(report: Report): boolean {
  const { inverted, wrongLastWord, doubled, locked, wrongAnswers, accepted, ended } = report;
  return inverted + wrongLastWord + doubled + locked + wrongAnswers === 0 && accepted > 0 && accepted === ended;
}

/** A finding as a line for people. */
export function lineOf({ kind, userid, portId, text, workflowIds }: Finding): string {
  const where = userid === undefined ? '' : ` port ${portId} of ${userid}:`;
  return `${kind}:${where} ${text}${workflowIds.length === 0 ? '' : ` [${workflowIds.join(' ')}]`}`;
}
