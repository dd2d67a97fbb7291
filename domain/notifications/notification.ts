import { z } from 'zod';

/** Happenings on a host that a webhook may be told of. */
export const EVENTS = {
  'operation.failed': 'an operation failed, was terminated, or succeeded in part only',
  'operation.refused': 'an operation was refused',
  'neutron.refused': 'ports differ from what Neutron wants',
  'drift.found': 'reconciliation found drift and did not repair it: it only observes, or the run was a dry run',
  'drift.repaired': 'reconciliation repaired drift',
  'drift.unrepaired': 'drift could not be repaired; later runs try again',
  'approval.wanted': 'an operation waits for the approval of a second person',
  'host.unreachable': 'reconciliation cannot read the host',
  'host.back': 'reconciliation reads the host again',
  'host.held': 'an operator, or a restore of Temporal, holds the host',
  'host.released': 'the hold of the host has ended',
} as const;
export type EventName = keyof typeof EVENTS;
export const EVENT_NAMES = Object.keys(EVENTS) as EventName[];

/** The event of a test call, which every webhook gets. */
export const TEST_EVENT = 'test';

const TYPE_PREFIX = 'networking-zvm.';

/** A CloudEvent 1.0 (github.com/cloudevents/spec, spec.md) in its structured JSON form, as far as this project uses it. */
export const CloudEvent = z.strictObject({
  specversion: z.literal('1.0'),
  /** The same at each delivery. */
  id: z.string().min(1),
  source: z.string().min(1),
  type: z.string().min(1),
  subject: z.string().min(1).optional(),
  time: z.iso.datetime(),
  datacontenttype: z.literal('application/json'),
  data: z.record(z.string(), z.unknown()),
});
export type CloudEvent = z.infer<typeof CloudEvent>;

/** An event of a host. The id tells it apart from all others of the host. */
export function cloudEvent(
  host: string,
  name: EventName | typeof TEST_EVENT,
  { id, time, subject, data }: { id: string; time: Date; subject?: string; data: Record<string, unknown> },
): CloudEvent {
  return {
    specversion: '1.0',
    id,
    source: `/networking-zvm/hosts/${host}`,
    type: `${TYPE_PREFIX}${name}`,
    ...(subject === undefined ? {} : { subject }),
    time: time.toISOString(),
    datacontenttype: 'application/json',
    data: { host, ...data },
  };
}

/** The name of an event. */
export function eventNameOf({ type }: Pick<CloudEvent, 'type'>): string {
  return type.startsWith(TYPE_PREFIX) ? type.slice(TYPE_PREFIX.length) : type;
}

/** A delivery of an event to one webhook, as its workflow gets it. The webhook's URL and secret stand in the worker's configuration alone. */
export type NotifyInput = { host: string; webhook: string; event: CloudEvent };

/** The name of a webhook, as sections of the configuration and Workflow IDs have it. */
export const WebhookName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9_-]{0,39}$/, 'must be 1 to 40 lower-case letters, digits, _ and -');
