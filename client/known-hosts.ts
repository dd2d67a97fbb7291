import { type Client, type ScheduleHandle, ScheduleNotFoundError } from '@temporalio/client';
import { defined } from '../domain/defined.ts';
import { taskQueueOf } from '../domain/host/host.ts';
import type { HostCapabilities } from '../domain/host/host-capabilities.ts';
import { type HostControl, holdAt } from '../domain/host/host-control.ts';
import type { ReportsOnly } from '../domain/host/repair-mode.ts';
import { HostName } from '../domain/text/identifiers.ts';
import { RECONCILE_PREFIX, reconcileScheduleId, reconciliationNote } from '../temporal-config/names.ts';
import { readControl } from './host-control.ts';
import { type Found, lastSurvey, type ReconciliationHealth, reconciliationHealth } from './reconciliation-health.ts';
import { pollersOf, presentWorkers, WORKFLOW_TASKS } from './worker-identity.ts';

/** A host's reconciliation, as Temporal knows it. */
export type ReconcileSchedule = {
  paused: boolean;
  note: string;
  /** Present when the last run reported drift and repaired none. */
  reportsOnly?: ReportsOnly;
  /** Seconds between runs. */
  everySeconds?: number;
  last?: string;
  next?: string;
} & ReconciliationHealth;

/** A hold as callers see it. */
export type HoldView = { by: string; reason?: string; since: string; until?: string };

/** A host as Temporal knows it. */
export type KnownHost = {
  host: string;
  /** Workers that poll the task queue of the host. */
  workers: number;
  reconciliation: ReconcileSchedule | null;
  /** Nothing is written to its z/VM meanwhile; null of a host that is not held. */
  hold: HoldView | null;
  /** As the last run of the Schedule read them that has ended; null before the first. */
  capabilities: HostCapabilities | null;
  /** The same run's finding. */
  found: Found | null;
};

/** The names of all hosts that Temporal knows: those with a worker or with a Schedule of reconciliation. */
export async function hostNames(client: Client): Promise<HostName[]> {
  const names = new Set((await presentWorkers(client)).map(({ host }) => host));
  for await (const { scheduleId } of client.schedule.list()) {
    if (scheduleId.startsWith(RECONCILE_PREFIX)) names.add(scheduleId.slice(RECONCILE_PREFIX.length));
  }
  return [...names].toSorted().flatMap((name) => HostName.safeParse(name).data ?? []);
}

/** One host: its workers, its reconciliation, and what z/VM can do there. */
export async function describeHost(client: Client, host: string): Promise<KnownHost> {
  const [workers, schedule, health, survey, control] = await Promise.all([
    workersOf(client, host),
    scheduleOf(client, host),
    reconciliationHealth(client, host),
    lastSurvey(client, host),
    readControl(client, host),
  ]);
  const { reportsOnly, ...read } = survey;
  const reconciliation = schedule === null ? null : { ...schedule, ...health, ...defined({ reportsOnly }) };
  return { host, workers, reconciliation, hold: holdViewOf(control), ...read };
}

/** The present hold of a host. */
export function holdViewOf(control: HostControl): HoldView | null {
  const hold = holdAt(control, Date.now());
  if (hold === undefined) return null;
  const { by, reason, since, until } = hold;
  const timeOf = (time: number) => new Date(time).toISOString();
  return { by, since: timeOf(since), ...defined({ reason, until: until === undefined ? undefined : timeOf(until) }) };
}

/** Number of workers that poll a host's task queue. Zero: operations wait until one starts. */
export async function workersOf(client: Client, host: string): Promise<number> {
  const pollers = await pollersOf(client, taskQueueOf(host), WORKFLOW_TASKS);
  return new Set(pollers.map(({ identity }) => identity)).size;
}

/** The Schedule of a host's reconciliation; null when it has none. */
async function scheduleOf(client: Client, host: string): Promise<ReconcileSchedule | null> {
  try {
    const { state, info, spec } = await client.schedule.getHandle(reconcileScheduleId(host)).describe();
    const last = info.recentActions.at(-1)?.takenAt.toISOString();
    const next = info.nextActionTimes[0]?.toISOString();
    const every = spec.intervals?.[0]?.every;
    return {
      paused: state.paused,
      note: state.note ?? '',
      ...defined({ everySeconds: every === undefined ? undefined : Number(every) / 1_000, last, next }),
    };
  } catch (error) {
    if (error instanceof ScheduleNotFoundError) return null;
    throw error;
  }
}

/** Pause the Schedule of a host's reconciliation with a note, or resume it. False when the host has no Schedule. */
export async function pauseReconciliation(
  client: Client,
  host: string,
  paused: boolean,
  note: string | undefined,
): Promise<boolean> {
  const schedule = client.schedule.getHandle(reconcileScheduleId(host));
  try {
    if (paused) await schedule.pause(note ?? 'paused by hand');
    else await schedule.unpause(note ?? (await usualNote(schedule, host)));
    return true;
  } catch (error) {
    if (error instanceof ScheduleNotFoundError) return false;
    throw error;
  }
}

async function usualNote(schedule: ScheduleHandle, host: string): Promise<string> {
  const { spec } = await schedule.describe();
  const every = spec.intervals?.[0]?.every;
  return every === undefined ? 'resumed' : reconciliationNote(host, Number(every) / 1_000);
}
