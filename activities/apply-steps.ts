import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import { type Step, stagesOf } from '../network/steps.ts';
import type { StepReport } from '../workflows/host-activities.ts';
import { configureGuest } from './configure-guest.ts';
import { asActivityFailure } from './failures.ts';
import type { HostRuntime } from './host-runtime.ts';
import { refuseSharedMacs, writeTables } from './port-records.ts';
import type { Stopping } from './stay-alive.ts';

/**
 * Carry out the plan of a guest: record, configure z/VM, forget. `arrive` is waited for before each stage that calls xCAT. What fails is
 * thrown as the failure that workflows know, with what was done before it; so is a cancel, which lets the stage that is under way end.
 */
export async function applySteps(
  host: HostRuntime,
  steps: readonly Step[],
  { stop, leave }: Stopping,
  arrive: (stage: string) => Promise<void>,
): Promise<StepReport[]> {
  const { record, configure, forget } = stagesOf(steps);
  const done: StepReport[] = [];
  const begin = async (stage: string) => {
    await arrive(stage);
    stop.throwIfAborted();
  };
  try {
    if (record.length > 0) {
      done.push(...(await writeTables(host, record, leave)));
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
      done.push(...(await writeTables(host, forget, leave)));
    }
    return done;
  } catch (error) {
    if (stop.aborted) throw cancelled(stop, done);
    throw withDone(asActivityFailure(error), done);
  }
}

function cancelled({ reason }: AbortSignal, done: readonly StepReport[]): CancelledFailure {
  const why = reason instanceof Error ? reason.message : String(reason);
  return new CancelledFailure(why, [{ done: done.map(({ step }) => step) }]);
}

function withDone(error: Error, done: readonly StepReport[]): Error {
  if (!(error instanceof ApplicationFailure) || error.type !== 'StepFailed') return error;
  const [detail] = error.details ?? [];
  const failure = ApplicationFailure.create({
    type: error.type,
    message: error.message,
    nonRetryable: error.nonRetryable ?? false,
    details: [{ ...(typeof detail === 'object' ? detail : {}), done: done.map(({ step }) => step) }],
  });
  // Its own is that of the failure as it came.
  if (error.stack !== undefined) failure.stack = error.stack;
  return failure;
}
