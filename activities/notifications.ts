import { ApplicationFailure } from '@temporalio/common';
import { CloudEvent, type NotifyInput } from '../domain/notifications/notification.ts';
import type { FailureType } from '../workflows/failures.ts';
import type { HostRuntime } from './host-runtime.ts';

/** A webhook has not taken an event. The message has no part of its URL, which may hold a secret. */
export class NotDelivered extends Error {
  /** Another attempt can help. */
  readonly retryable: boolean;

  constructor(message: string, retryable: boolean) {
    super(message);
    this.retryable = retryable;
  }
}

/** Send an event to a webhook of the host. */
export async function deliverNotification(
  { webhooks }: Pick<HostRuntime, 'webhooks'>,
  { webhook, event }: NotifyInput,
  signal: AbortSignal,
): Promise<void> {
  try {
    const parsed = CloudEvent.safeParse(event);
    if (!parsed.success) throw new NotDelivered('the event is no CloudEvent of this project', false);
    const deliver = webhooks?.get(webhook);
    if (deliver === undefined) throw new NotDelivered(`the worker's configuration has no webhook ${webhook}`, false);
    await deliver(parsed.data, signal);
  } catch (error) {
    if (!(error instanceof NotDelivered)) throw error;
    const failure = ApplicationFailure.create({
      type: 'StepFailed' satisfies FailureType,
      message: error.message,
      nonRetryable: !error.retryable,
    });
    failure.stack = '';
    throw failure;
  }
}
