import { defined } from '../../../domain/defined.ts';
import { stepId } from '../../../domain/planning/step-id.ts';
import { type GuestStepReport, type RecordStep, type Step, stagesOf } from '../../../domain/planning/steps.ts';
import type { Cancellation, CarriedOut, Company, ReadBack } from '../../backend.ts';
import { BackendError } from '../../backend-error.ts';
import { changeOf } from '../rows/record-steps.ts';
import type { XcatHost } from '../xcat-host.ts';
import { configureGuest } from './configure-guest.ts';
import { isLive } from './guest-work.ts';
import { refuseSharedMacs, writeTables } from './port-records.ts';

/**
 * Carry out the plan of a guest: record, configure z/VM and read it back, forget. `arrive` is waited for before each stage that calls xCAT. A
 * cancel lets the stage that is under way end.
 */
export async function applySteps(
  host: XcatHost,
  steps: readonly Step[],
  { stop, leave }: Cancellation,
  { arrive, readsBack }: Pick<Company, 'arrive' | 'readsBack'>,
): Promise<CarriedOut> {
  const { record, configure, forget } = stagesOf(steps);
  const reports: GuestStepReport[] = [];
  /** Steps of which nobody knows how many were carried out. */
  let possibly: readonly Step[] = [];
  let recordedAt: number | undefined;
  let readBack: ReadBack | undefined;
  const begin = async (stage: 'configure' | 'forget') => {
    await arrive(stage);
    stop.throwIfAborted();
  };
  const write = async (rows: readonly RecordStep[]) => {
    const changes = rows.map(changeOf);
    possibly = rows;
    await writeTables(host, changes, leave);
    possibly = [];
    recordedAt = performance.now();
    reports.push(...rows.map((step) => ({ id: stepId(step), step: step.sentence, answer: 'done', isAlready: false })));
    return changes;
  };
  /** Read the record beside a change of z/VM alone: the comparison after it needs no call of its own for that. */
  const lookAtRecord = async () => {
    if (configure.length === 0 || forget.length > 0) return;
    recordedAt = performance.now();
    await host.recordTables.read().catch(() => undefined);
  };
  try {
    const look = record.length > 0 ? refuseSharedMacs(host, await write(record), stop) : lookAtRecord();
    // A NIC of a running guest uses its address at once. One of the directory alone does not: the look needs no time of its own.
    if (record.length > 0 && (configure.length === 0 || configure.some(isLive))) await look;
    look.catch(() => undefined);
    if (configure.length > 0) {
      await begin('configure');
      const { complete, failure, ...configured } = await configureGuest(host, configure, { stop, leave }, readsBack);
      reports.push(...configured.reports);
      possibly = failure === undefined ? [] : configure;
      // Once the rows are there, no later plan looks again: a shared address counts before all else.
      await look;
      possibly = [];
      if (failure !== undefined) return { reports, failure: { ...failure, possibly: failure.possibly.map(stepId) } };
      // As long as z/VM may still have something of a port, its row must say so.
      if (!complete) return { reports };
      readBack = configured.readBack;
    }
    if (forget.length > 0) {
      await begin('forget');
      await write(forget);
    }
    return { reports, ...defined({ recordedAt, readBack }) };
  } catch (error) {
    // A row that is there already was not written.
    const isConflict = error instanceof BackendError && error.code === 'conflict' && possibly.length === 1;
    return { reports, failure: { error, possibly: isConflict ? [] : possibly.map(stepId) } };
  }
}
