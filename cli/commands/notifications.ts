import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import type { Command } from 'commander';
import { z } from 'zod';
import {
  describeNotification,
  listNotifications,
  NOTIFICATION_STATES,
  type NotificationState,
  type NotificationView,
  retryNotification,
  startTestNotification,
} from '../../client/notifications.ts';
import { WebhookName } from '../../domain/notifications/notification.ts';
import { action, argument, wholeNumber } from '../action.ts';
import { CommandFailure, EXIT, type ExitCode } from '../exit-codes.ts';
import { colour, timeText } from '../output.ts';
import type { Session } from '../session.ts';
import { examples } from './change.ts';

const ListOptions = z.object({
  state: z.enum(NOTIFICATION_STATES).optional(),
  webhook: WebhookName.optional(),
  limit: wholeNumber(1, 1_000),
});

/** `zvmnet notifications …` */
export function notificationCommands(program: Command): void {
  const notifications = program
    .command('notifications')
    .description('Deliveries of events to webhooks: list them, deliver one again, make a test call.');
  const list = notifications
    .command('list')
    .description('List deliveries of all hosts or of --host: open ones, then the last that ended first.')
    .option('--webhook <name>', 'to this webhook')
    .option('--limit <n>', 'at most n deliveries', '20')
    .addHelpText('after', examples(['zvmnet notifications list --state undelivered']));
  list.addOption(list.createOption('--state <state>', 'in this state').choices(NOTIFICATION_STATES));
  list.action(action(ListOptions, show));
  notifications
    .command('retry <notification>')
    .description('Deliver an event now: one that waits for its next attempt, or one that was given up.')
    .action(action(z.object({}), retry));
  notifications
    .command('test <webhook>')
    .description('Send a signed test event to a webhook of the host, and wait for the answer to the first attempt.')
    .action(action(z.object({}), test));
}

const COLOURS = { delivering: 'cyan', retrying: 'yellow', delivered: 'green', undelivered: 'red' } as const;

async function show(session: Session, _args: string[], options: z.output<typeof ListOptions>): Promise<ExitCode> {
  const { limit, ...filter } = options;
  const found = await listNotifications(await session.client(), { ...filter, host: session.namedHost() }, limit);
  session.output.result({ notifications: found }, () =>
    session.output.table(
      ['TIME', 'HOST', 'WEBHOOK', 'EVENT', 'STATE', 'ID'],
      found.map(({ time, host, webhook, event, state, id }) => [
        timeText(time),
        host,
        webhook,
        event,
        colour(COLOURS[state], state),
        id,
      ]),
      'No notifications found.',
    ),
  );
  return EXIT.ok;
}

async function retry(session: Session, [id = '']: string[]): Promise<ExitCode> {
  const client = await session.client();
  const isTried = await retryNotification(client, id);
  if (isTried === undefined) throw new CommandFailure(EXIT.notFound, `there is no notification ${id}`);
  if (!isTried) throw new CommandFailure(EXIT.refused, `${id} has been delivered`);
  return tell(session, await answered(client, id, ENDED, session.signal));
}

async function test(session: Session, [name = '']: string[]): Promise<ExitCode> {
  const webhook = argument(WebhookName, name);
  const host = await session.hostToRead();
  const client = await session.client();
  const id = await startTestNotification(client, host, webhook, session.user);
  return tell(session, await answered(client, id, new Set([...ENDED, 'retrying']), session.signal));
}

const LOOK_MS = 500;
/** Longer than an attempt takes. */
const LONGEST_MS = 25_000;
const ENDED: ReadonlySet<NotificationState> = new Set(['delivered', 'undelivered']);

/** The delivery once it is in one of these states, or as it is when that takes too long. */
async function answered(
  client: Client,
  id: string,
  states: ReadonlySet<NotificationState>,
  signal: AbortSignal,
): Promise<NotificationView> {
  const until = Date.now() + LONGEST_MS;
  for (;;) {
    const found = await describeNotification(client, id);
    if (found === undefined) throw new CommandFailure(EXIT.notFound, `there is no notification ${id}`);
    if (states.has(found.state) || Date.now() >= until || signal.aborted) return found;
    await sleep(LOOK_MS, undefined, { signal }).catch(() => undefined);
  }
}

const SENTENCES: Readonly<Record<NotificationState, string>> = {
  delivering: 'is being delivered',
  retrying: 'was not taken, and is tried again',
  delivered: 'is delivered',
  undelivered: 'is not delivered, and is not tried again by itself',
};

function tell({ output }: Session, found: NotificationView): ExitCode {
  const { id, event, webhook, state } = found;
  output.result(found, () =>
    output.print(`${event} to ${webhook} ${colour(COLOURS[state], SENTENCES[state])} (${id})`),
  );
  return state === 'delivered' ? EXIT.ok : EXIT.failed;
}
