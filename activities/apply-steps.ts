import { ApplicationFailure } from '@temporalio/common';
import { type Step, stagesOf } from '../network/steps.ts';
import type { StepReport } from '../workflows/host-activities.ts';
import { configureGuest } from './configure-guest.ts';
import { asActivityFailure } from './failures.ts';
import type { HostRuntime } from './host-runtime.ts';
import { refuseSharedMacs, writeTables } from './port-records.ts';

/**
 * Carry out the plan of a guest: record, configure z/VM, forget. `arrive` is waited for before each stage that calls xCAT. What fails is
 * thrown as the failure that workflows know, with what was done before it.
 */
export async function applySteps(
  host: HostRuntime,
  steps: readonly Step[],
  signal: AbortSignal,
  arrive: (stage: string) => Promise<void>,
): Promise<StepReport[]> {
  const { record, configure, forget } = stagesOf(steps);
  const done: StepReport[] = [];
  try {
    if (record.length > 0) {
      done.push(...(await writeTables(host, record, signal)));
      await refuseSharedMacs(host, record, signal);
    }
    if (configure.length > 0) {
      await arrive('configure');
      const { reports, complete, failure } = await configureGuest(host, configure, signal);
      done.push(...reports);
      if (failure !== undefined) throw failure;
      // As long as z/VM may still have something of a port, its row must say so.
      if (!complete) return done;
    }
    if (forget.length > 0) {
      await arrive('forget');
      done.push(...(await writeTables(host, forget, signal)));
    }
    return done;
  } catch (error) {
    signal.throwIfAborted();
    throw withDone(asActivityFailure(error), done);
  }
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
