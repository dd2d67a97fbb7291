import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import { XcatError } from '../backend/xcat/rest/errors.ts';
import { stepId } from '../domain/planning/step-id.ts';
import { type Step, stagesOf } from '../domain/planning/steps.ts';
import type { GuestStepReport } from '../workflows/host-activities.ts';
import { configureGuest } from './configure-guest.ts';
import { asActivityFailure } from './failures.ts';
import type { HostRuntime } from './host-runtime.ts';
import { refuseSharedMacs, writeTables } from './port-records.ts';
import type { Stopping } from './stay-alive.ts';

/**
 * Carry out the plan of a guest: record, configure z/VM, forget. `arrive` is waited for before each stage that calls xCAT. A failure is
 * thrown as the one that workflows know, with the ids of the steps before it; so is a cancel, which lets the stage that is under way end.
 */
export async function applySteps(
  host: HostRuntime,
  steps: readonly Step[],
  { stop, leave }: Stopping,
  arrive: (stage: string) => Promise<void>,
): Promise<GuestStepReport[]> {
  const { record, configure, forget } = stagesOf(steps);
  const done: GuestStepReport[] = [];
  /** Table rows of which nobody knows how many were written. */
  let possibly: readonly Step[] = [];
  const begin = async (stage: string) => {
    await arrive(stage);
    stop.throwIfAborted();
  };
  const write = async (rows: readonly Step[]) => {
    possibly = rows;
    done.push(...(await writeTables(host, rows, leave)));
    possibly = [];
  };
  try {
    if (record.length > 0) {
      await write(record);
      await refuseSharedMacs(host, record, stop);
    }
    if (configure.length > 0) {
      await begin('configure');
      const { reports, complete, failure } = await configureGuest(host, configure, leave);
      done.push(...reports);
      if (failure !== undefined) throw failure;
      // As long as z/VM may still have something of a port, its row must say so.
      if (!complete) return done;
    }
    if (forget.length > 0) {
      await begin('forget');
      await write(forget);
    }
    return done;
  } catch (error) {
    const carriedOut = done.map(({ id }) => id);
    // A row that is there already was not written.
    const isConflict = error instanceof XcatError && error.code === 'conflict' && possibly.length === 1;
    const detail = { carriedOut, possibly: isConflict ? [] : possibly.map(stepId) };
    if (stop.aborted) throw cancelled(stop, detail);
    throw withDetail(asActivityFailure(error), detail);
  }
}

function cancelled({ reason }: AbortSignal, detail: object): Error {
  if (reason instanceof ApplicationFailure) return withDetail(reason, detail);
  const why = reason instanceof Error ? reason.message : String(reason);
  return new CancelledFailure(why, [detail]);
}

function withDetail(error: Error, detail: object): Error {
  if (!(error instanceof ApplicationFailure)) return error;
  const [first, ...more] = error.details ?? [];
  const merged = isPlainObject(first) ? [{ ...first, ...detail }, ...more] : [...(error.details ?? []), detail];
  const failure = ApplicationFailure.create({
    ...(error.type === undefined || error.type === null ? {} : { type: error.type }),
    message: error.message,
    nonRetryable: error.nonRetryable ?? false,
    details: merged,
    ...(typeof error.nextRetryDelay === 'number' ? { nextRetryDelay: error.nextRetryDelay } : {}),
  });
  // The trace is that of the failure as it came.
  if (error.stack !== undefined) failure.stack = error.stack;
  return failure;
}

function isPlainObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
