import type { Operation, Outcome } from './accepted.ts';
import type { WayName } from './load.ts';
import { countOf, type Finding, type Verdict } from './verdict.ts';

/** The answer of a run: one JSON object. */
export type Report = {
  seed: number;
  /** Operations that Temporal has accepted, and those of them that have ended. */
  accepted: number;
  ended: number;
  /** Neighbouring pairs on one port that were carried out in the other order. */
  inverted: number;
  /** Ports that are not as the last accepted word that was carried out says. */
  wrongLastWord: number;
  /** Rows, NICs, MACs and grants that stand twice, or belong to nobody. */
  doubled: number;
  /** Open though it must have ended, lost, or a guest that cannot be changed any more. */
  locked: number;
  /** `convergeGuest` runs. */
  guestRuns: number;
  /** Operations that answered what no order of acceptance gives. */
  wrongAnswers: number;
  /** Neighbouring pairs that were looked at, and those of them of which z/VM's log says nothing. */
  pairs: number;
  unobserved: number;
  outcomes: Partial<Record<Outcome | 'dryRun', number>>;
  sent: Record<WayName, number>;
  /** Requests whose issuers never heard whether they were accepted. */
  unanswered: number;
  cancels: number;
  reconciliations: number;
  faults: Partial<Record<string, number>>;
  /** Processes that ended though nobody ended them. */
  endedByThemselves: number;
  /** How long Temporal took to come back, each time. */
  temporalBackMs: number[];
  /** How long it took until all had ended, after everything was back. */
  settledSeconds: number;
  /** Guests that a reconciliation found drifted that only looks. */
  drifted: number | null;
  httpCalls: number;
  smapiCalls: number;
  /** Operations that failed, and why. */
  failures: { workflowId: string; message: string }[];
  findings: Finding[];
};

/** Told of a run besides its verdict. */
export type Told = Pick<
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

/** Sum a run up. */
export function reportOf(verdict: Verdict, operations: readonly Operation[], told: Told): Report {
  const outcomes: Report['outcomes'] = {};
  for (const { dryRun, outcome } of operations) {
    const name = dryRun ? 'dryRun' : outcome;
    outcomes[name] = (outcomes[name] ?? 0) + 1;
  }
  const { seed, guestRuns, ...more } = told;
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

/** True when nothing is wrong. An answer that no order of acceptance gives is an inversion that z/VM's log need not show. */
export function isRight(report: Report): boolean {
  const { inverted, wrongLastWord, doubled, locked, wrongAnswers, accepted, ended } = report;
  return inverted + wrongLastWord + doubled + locked + wrongAnswers === 0 && accepted > 0 && accepted === ended;
}

/** One line of a finding, for people. */
export function lineOf({ kind, userid, portId, text, workflowIds }: Finding): string {
  const where = userid === undefined ? '' : ` port ${portId} of ${userid}:`;
  return `${kind}:${where} ${text}${workflowIds.length === 0 ? '' : ` [${workflowIds.join(' ')}]`}`;
}
