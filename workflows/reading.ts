import { proxyActivities } from '@temporalio/workflow';
import { applicationFailureOf } from './failures.ts';
import type { HostActivities } from './host-activities.ts';
import { HEARTBEAT } from './timeouts.ts';

/** Longer than a reading may take by itself (activities/reading-in-time.ts): it says then what kept it. */
const LONGEST_READING = '75 seconds';
/** With another worker after the first has died. */
const LONGEST_WITH_ANOTHER = '110 seconds';

/**
 * Activities that read for somebody who waits. They try again by themselves, as long as that may help whoever waits; only a worker that has died is
 * followed by another.
 */
export function reading(summary: string): Pick<HostActivities, 'showHost' | 'showGuest' | 'readVswitches'> {
  return proxyActivities<HostActivities>({
    summary,
    startToCloseTimeout: LONGEST_READING,
    scheduleToCloseTimeout: LONGEST_WITH_ANOTHER,
    heartbeatTimeout: HEARTBEAT,
    retry: { initialInterval: '100 milliseconds', nonRetryableErrorTypes: ['StepFailed'] },
  });
}

/** What was read. Throws what xCAT said, without what was around it. */
export async function answerOf<Result>(read: Promise<Result>): Promise<Result> {
  try {
    return await read;
  } catch (error) {
    throw applicationFailureOf(error) ?? error;
  }
}
