import { setTimeout as sleep } from 'node:timers/promises';
import type { Client, WorkflowExecutionInfo } from '@temporalio/client';
import { taskQueueOf } from '../domain/host/host.ts';
import { reconcileScheduleId, scheduleWorkflowId } from '../temporal-config/names.ts';
import type { BenchOptions } from './options.ts';
import { startBenchStack } from './stack.ts';
import { fillHost, guestsFor } from './wired-host.ts';

const HOST = 'zvm1';
const DAYS = 90;
/** Runs of a Schedule of the usual half minute. */
const RUNS_A_DAY = 2_880;
/** The runs of a day that are kept when nothing happens, those with the whole checkpoint (`activities/idle-runs.ts`, `kept-checkpoint.ts`). */
const WHOLE_A_DAY = 4;
/** The server ends a run of the Schedule's own workflow after some 4,000 events, of which each run that it starts takes nine. */
const RUNS_OF_AN_OPEN_SCHEDULE = 450;
const SHORT_INTERVAL = { intervalSeconds: 4, sweepSeconds: 600 };
const IDLE_RUNS = 6;
const PAUSE_MS = 1_000;

/** The bytes that the reconciliation of a host leaves on the Temporal server, by the sizes that the server itself names. */
export type KeptHistory = {
  ports: number;
  /** A run with the whole checkpoint, one without anything to do, and one of these after the drift of a day. */
  wholeRun: number;
  idleRun: number;
  idleRunAfterDrift: number;
  /** A run that repairs one guest in a hundred, and each of these guests' own. */
  driftRun: number;
  guestRun: number;
  /** The Schedule's own workflow, for each run that it starts. */
  schedule: number;
  /** Megabytes in 90 days, with one per cent of drift a day. */
  megabytes: number;
  /** The same, if no history of an idle run and of the Schedule were deleted, and the Schedule's share of it. */
  withoutDeletion: number;
  ofSchedule: number;
};

/** Let a Schedule reconcile a host with so many ports, idle and with drift, and compute what that leaves. Throws an Error when its runs fail. */
export async function keptHistory(
  ports: number,
  options: BenchOptions,
  say: (line: string) => void,
): Promise<KeptHistory> {
  const guests = guestsFor(ports);
  const stack = await startBenchStack(options, guests, { maxPorts: 100_000 });
  try {
    const { client } = stack;
    const host = fillHost(stack.simulator, ports);
    await stack.endWorker();
    await stack.startWorker(SHORT_INTERVAL);
    const whole = await runsUntil(client, 'unchanged', 1, say);
    const idle = await runsUntil(client, 'unchanged', 1 + IDLE_RUNS, say);
    const schedule = await scheduleBytes(client);
    host.drift();
    const [drift] = await runsUntil(client, 'changed', 1, say);
    const after = await runsUntil(client, 'unchanged', idle.length + 2, say);
    const guestRuns = await completed(client, 'WorkflowType = "convergeGuest"');
    const sizes = {
      wholeRun: bytesOf(whole.slice(0, 1)),
      idleRun: bytesOf(idle.slice(2)),
      idleRunAfterDrift: bytesOf(after.slice(idle.length + 1)),
      driftRun: bytesOf(drift === undefined ? [] : [drift]),
      guestRun: bytesOf(guestRuns),
      schedule,
    };
    return { ports, ...sizes, ...inNinetyDays(sizes, guestRuns.length) };
  } finally {
    await stack.stop();
  }
}

type Sizes = Pick<KeptHistory, 'wholeRun' | 'idleRun' | 'idleRunAfterDrift' | 'driftRun' | 'guestRun' | 'schedule'>;

function inNinetyDays(
  { wholeRun, idleRun, idleRunAfterDrift, driftRun, guestRun, schedule }: Sizes,
  guestsADay: number,
) {
  const idle = Math.max(idleRun, idleRunAfterDrift);
  const kept = WHOLE_A_DAY * wholeRun + driftRun + guestsADay * guestRun;
  // The Schedule's open run grows for a few hours.
  const open = (RUNS_OF_AN_OPEN_SCHEDULE * schedule) / DAYS;
  return {
    megabytes: megabytes(kept + open),
    withoutDeletion: megabytes(kept + RUNS_A_DAY * (idle + schedule)),
    ofSchedule: megabytes(RUNS_A_DAY * schedule),
  };
}

function megabytes(bytesADay: number): number {
  return Math.round((DAYS * bytesADay) / 1_000_000);
}

function bytesOf(runs: readonly WorkflowExecutionInfo[]): number {
  return Math.round(runs.reduce((sum, run) => sum + (run.historySize ?? 0), 0) / runs.length);
}

/** The runs of the host's Schedule with an outcome, the first ones first, once there are so many. */
async function runsUntil(client: Client, outcome: string, count: number, say: (line: string) => void) {
  for (;;) {
    const failed = await completed(client, `WorkflowType = "reconcileHost" AND ZvmOutcome = "failed"`);
    if (failed.length > 0) throw new Error(`a run of the Schedule failed: ${failed[0]?.runId}`);
    const runs = await completed(client, `WorkflowType = "reconcileHost" AND ZvmOutcome = "${outcome}"`);
    if (runs.length >= count) return runs;
    say(`${runs.length} of ${count} runs ${outcome}`);
    await sleep(PAUSE_MS);
  }
}

async function completed(client: Client, what: string): Promise<WorkflowExecutionInfo[]> {
  const query = `TaskQueue = "${taskQueueOf(HOST)}" AND CloseTime > "2000-01-01T00:00:00Z" AND ${what}`;
  const runs: WorkflowExecutionInfo[] = [];
  for await (const run of client.workflow.list({ query })) runs.push(run);
  return runs.toSorted((one, other) => one.startTime.getTime() - other.startTime.getTime());
}

/** The growth of the Schedule's own workflow, of which Temporal keeps every run as long as all others. */
async function scheduleBytes(client: Client): Promise<number> {
  const schedule = client.schedule.getHandle(reconcileScheduleId(HOST));
  const { historySize = 0 } = await client.workflow.getHandle(scheduleWorkflowId(reconcileScheduleId(HOST))).describe();
  const { numActionsTaken } = (await schedule.describe()).info;
  return Math.round(historySize / numActionsTaken);
}
