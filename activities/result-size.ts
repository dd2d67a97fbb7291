import { concerns, subjectsOf } from '../domain/drift/repair-subject.ts';
import type { RepairFailure } from '../domain/operations/requests.ts';
import type { PortId } from '../domain/text/identifiers.ts';
import type { PortStatus } from '../workflows/host-activities.ts';

// Temporal takes no result of more than 2 MB; a survey's has the guests to repair and the checkpoint too.
const MOST_FAILURE_CHARACTERS = 400_000;
const MOST_STATUS_CHARACTERS = 400_000;

/** The first items whose JSON has so many characters together, and at least one of them. */
export function firstThatFit<Item>(items: readonly Item[], mostCharacters: number): Item[] {
  let left = mostCharacters;
  const end = items.findIndex((item) => {
    left -= JSON.stringify(item).length;
    return left < 0;
  });
  return end < 0 ? [...items] : items.slice(0, Math.max(1, end));
}

/** Failures and statuses of a survey as far as its result can hold them. */
export type FittingReport = {
  failed: RepairFailure[];
  /** The number of failures that are left out. */
  failedLeft: number;
  statuses: PortStatus[];
  /** Ports whose statuses are left to the next run. */
  untold: PortId[];
};

/** As much as one result holds. A port of a failure that is left out is down by its status: nobody can tell from the failures. */
export function fittingReport(failures: readonly RepairFailure[], statuses: readonly PortStatus[]): FittingReport {
  const failed = firstThatFit(failures, MOST_FAILURE_CHARACTERS);
  const leftOut = subjectsOf(failures.slice(failed.length));
  const all = statuses.map((status) => (concerns(leftOut, status) ? { ...status, up: false } : status));
  const told = firstThatFit(all, MOST_STATUS_CHARACTERS);
  return {
    failed,
    failedLeft: failures.length - failed.length,
    statuses: told,
    untold: all.slice(told.length).map(({ portId }) => portId),
  };
}
