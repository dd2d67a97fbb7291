import { ActivityCancellationType, proxyActivities, proxyLocalActivities } from '@temporalio/workflow';
import type { Batch } from '../domain/operations/batch.ts';
import { applicationFailureOf } from './failures.ts';
import type { GuestRequest } from './guest-request.ts';
import type { HostActivities } from './host-activities.ts';

const HEARTBEAT_MS = 10_000;
/** Each heartbeat is a write of Temporal's database: the guests of a large window send as many a second as those of a small one. */
const HEARTBEAT_MS_OF_A_MEMBER = 300;
const LONGEST_HEARTBEAT_MS = 40_000;
/** Longer lines of the Temporal UI are cut. */
export const LONGEST_SUMMARY = 190;

/** A worker that is silent for so long while it carries out an activity counts as dead. */
export const HEARTBEAT = `${HEARTBEAT_MS} milliseconds` as const;

/** The time limit for reading one guest: a few calls to xCAT, each with the time limit of the configuration. */
const READING_OF_A_GUEST = '15 minutes';

/** The time limit for reading a whole host. */
export const READING_OF_A_HOST = '30 minutes';

/** The time limit for a request to the Temporal server. */
export const CALL_TO_TEMPORAL = '1 minute';

/** Longer than the longest xCAT call that a configuration allows. */
const STAGE = '30 minutes';
/** Longer than the reading's own limit (activities/reading-in-time.ts), whose failure names the cause. */
const DISPLAY_READING = '75 seconds';
/** Leaves time for a second worker after the first has died. */
const DISPLAY_READING_WITH_RETRY = '110 seconds';

/**
 * Activities that change z/VM. They are never retried as they are: granting a second time drops live NICs (docs/reference/smcli.md 5.2).
 * The workflow plans anew instead. A cancelled workflow waits for them: z/VM carries out a call that it has received, and only then can it
 * be undone.
 */
export function writeActivities(
  summary: string,
  batch?: Batch,
): Pick<
  HostActivities,
  | 'changeGuest'
  | 'applySteps'
  | 'applyVswitch'
  | 'applyManagementNetwork'
  | 'askProbe'
  | 'restoreProbe'
  | 'migrateGuest'
> {
  return proxyActivities<HostActivities>({
    summary,
    startToCloseTimeout: STAGE,
    heartbeatTimeout: heartbeatOf(batch?.size),
    retry: { maximumAttempts: 1 },
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
  });
}

/** The activities about a guest that is lent to a window: a guest run needs their answer, however long it takes. */
export function lending({ summary }: Pick<GuestRequest, 'summary'>): Pick<HostActivities, 'isLent' | 'recallPlan'> {
  return proxyActivities<HostActivities>({
    summary: `${summary}: look at the window that carries it out`.slice(0, LONGEST_SUMMARY),
    startToCloseTimeout: CALL_TO_TEMPORAL,
    retry: { initialInterval: '1 second', maximumInterval: '30 seconds' },
  });
}

/** The activity that carries a window out. It is repeated when its worker is lost: it gives the guests back then. */
export function windowActivities(summary: string, guests: number): Pick<HostActivities, 'changeWindow'> {
  return proxyActivities<HostActivities>({
    summary,
    startToCloseTimeout: STAGE,
    heartbeatTimeout: heartbeatOf(guests),
    retry: { initialInterval: '1 second', maximumInterval: '30 seconds' },
  });
}

/** Readings of a guest: never repeated as they are, since the reconciler decides about the next try. */
export function reading(
  summary: string,
  batch?: Batch,
): Pick<HostActivities, 'planChange' | 'planTowards' | 'planProbe'> {
  return proxyActivities<HostActivities>({
    summary,
    startToCloseTimeout: READING_OF_A_GUEST,
    heartbeatTimeout: heartbeatOf(batch?.size),
    retry: { maximumAttempts: 1 },
  });
}

/**
 * The answer of a guest run within its workflow task (docs/decisions/14-a-window-is-answered-together.md). A signal of the run itself takes another task,
 * and Temporal drops it when the run ends in this one.
 */
export function answering(): Pick<HostActivities, 'answerOperation'> {
  return proxyLocalActivities<HostActivities>({
    summary: 'answer the operation',
    startToCloseTimeout: CALL_TO_TEMPORAL,
    retry: { initialInterval: '1 second', maximumInterval: '10 seconds' },
  });
}

function heartbeatOf(guests = 0): number {
  const ofWindow = HEARTBEAT_MS_OF_A_MEMBER * guests;
  return Math.min(LONGEST_HEARTBEAT_MS, Math.max(HEARTBEAT_MS, ofWindow));
}

/** Activities that read for a person who waits. They retry xCAT's calls themselves; Temporal retries only after a worker has died. */
export function displayActivities(summary: string): Pick<HostActivities, 'showHost' | 'showGuest' | 'readVswitches'> {
  return proxyActivities<HostActivities>({
    summary,
    startToCloseTimeout: DISPLAY_READING,
    scheduleToCloseTimeout: DISPLAY_READING_WITH_RETRY,
    heartbeatTimeout: HEARTBEAT,
    retry: { initialInterval: '100 milliseconds', nonRetryableErrorTypes: ['StepFailed'] },
  });
}

/** The result of an activity. Throws the failure that xCAT gave, without Temporal's wrapping. */
export async function unwrapped<Result>(read: Promise<Result>): Promise<Result> {
  try {
    return await read;
  } catch (error) {
    throw applicationFailureOf(error) ?? error;
  }
}
