import {
  condition,
  continueAsNew,
  defineSignal,
  isCancellation,
  proxyActivities,
  setHandler,
  upsertMemo,
  upsertSearchAttributes,
} from '@temporalio/workflow';
import type { NotifyInput } from '../domain/notifications/notification.ts';
import { ZVM_OUTCOME } from '../temporal-config/search-attributes.ts';
import { applicationFailureOf, malformed, reasonOf } from './failures.ts';
import type { HostActivities } from './host-activities.ts';
import { showProgress } from './progress.ts';
import { isRecord, isText } from './untrusted-input.ts';

/** Longer than the wait for a receiver's answer (runtime/notifications/webhook.ts). A worker that dies is noticed after it. */
const DELIVERY = '20 seconds';
const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
/** As the Standard Webhooks specification advises: soon at first, then up to a day; a receiver has three days to come back. */
const PAUSES = [5 * SECOND, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR];

/** Signal: try the next delivery now. */
const deliverNow = defineSignal('deliverNow');

/**
 * Deliver an event to a webhook, again with growing pauses until it is taken: at least once, each time with the same id. The run fails when the last
 * attempt has failed, or the webhook says that it is gone: the event is a dead letter then.
 */
export async function notify(input: NotifyInput): Promise<{ attempts: number }> {
  const { host, webhook, event } = accepted(input);
  const subject = `${event.type} to ${webhook}`;
  const { deliverNotification } = proxyActivities<HostActivities>({
    summary: `deliver to ${webhook}`,
    startToCloseTimeout: DELIVERY,
    retry: { maximumAttempts: 1 },
  });
  let asked = false;
  setHandler(deliverNow, () => {
    asked = true;
  });
  for (let attempts = 1; ; attempts += 1) {
    asked = false;
    try {
      await deliverNotification({ host, webhook, event });
      end('delivered', { subject, state: 'is delivered' });
      return { attempts };
    } catch (error) {
      if (isCancellation(error)) throw error;
      const pause = PAUSES[attempts - 1];
      const failure = applicationFailureOf(error);
      if (pause === undefined || failure?.nonRetryable === true) {
        end('undelivered', { subject, state: 'is not delivered', reason: reasonOf(error) });
        throw failure ?? error;
      }
      upsertSearchAttributes([{ key: ZVM_OUTCOME, value: 'retrying' }]);
      const at = new Date(Date.now() + pause).toISOString();
      showProgress({ subject, state: `is tried again at ${at}`, reason: reasonOf(error) });
      await condition(() => asked, pause);
    }
  }
}

function end(outcome: 'delivered' | 'undelivered', progress: Parameters<typeof showProgress>[0]): void {
  upsertSearchAttributes([{ key: ZVM_OUTCOME, value: outcome }]);
  showProgress(progress);
}

/** The fields that the run itself reads; the activity parses the rest. */
function accepted(input: unknown): NotifyInput {
  if (!isRecord(input) || !isText(input.host) || !isText(input.webhook) || !isRecord(input.event))
    throw malformed('input');
  const { host, webhook, event } = input;
  if (!isText(event.id) || !isText(event.type)) throw malformed('event');
  return { host, webhook, event: event as NotifyInput['event'] };
}

/** Signal: every event of the host up to this time, in ISO 8601, has its deliveries. */
const lookedUntil = defineSignal<[string]>('lookedUntil');

/** Key of the memo with that time. */
const LOOKED_UNTIL = 'lookedUntil';
const SIGNALS_A_RUN = 200;

/**
 * Remember up to which time the host's events have their deliveries, in the memo of this run: a worker that starts goes on from there. There is one
 * open run for each host with webhooks.
 */
export async function followEvents(input: { host: string; until: string }): Promise<void> {
  if (!isRecord(input) || !isText(input.host) || !isText(input.until)) throw malformed('input');
  const { host } = input;
  let { until } = input;
  let signals = 0;
  setHandler(lookedUntil, (time: unknown) => {
    signals += 1;
    if (isText(time) && time > until) until = time;
  });
  for (let told = ''; ; ) {
    if (told !== until) upsertMemo({ [LOOKED_UNTIL]: until });
    told = until;
    const before = signals;
    if (signals >= SIGNALS_A_RUN) await continueAsNew<typeof followEvents>({ host, until });
    await condition(() => signals > before);
  }
}
