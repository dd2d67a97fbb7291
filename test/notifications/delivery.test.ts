import { once } from 'node:events';
import { expect, onTestFinished, test } from 'vitest';
import {
  describeNotification,
  listNotifications,
  retryNotification,
  startTestNotification,
} from '../../client/notifications.ts';
import { EVENT_NAMES } from '../../domain/notifications/notification.ts';
import { workflowIdOf } from '../../temporal-config/names.ts';
import { createEnvironment, type Environment, portId, vlan } from '../workflows/environment.ts';
import { startRun } from '../workflows/start.ts';
import { startWorker } from '../workflows/worker-of-its-own.ts';
import { type Receiver, signatureOf, startReceiver } from './receiver.ts';

type Started = { environment: Environment; receiver: Receiver };

async function startedWith(workerToo: boolean): Promise<Started> {
  const receiver = await startReceiver();
  const { url, secret } = receiver;
  const webhooks = [{ name: 'ops', url, secret, events: EVENT_NAMES }];
  const environment = await createEnvironment({ guests: 4 }, workerToo, { webhooks });
  onTestFinished(async () => {
    await environment.close();
    await receiver.close();
  });
  return { environment, receiver };
}

const input = ({ host }: Environment, number: number, userid: string) => ({
  ...{ host, userid, portId: portId(number), vswitch: 'VSW1', network: vlan(100) },
});

/** An operation on a guest that there is not; answers the id of its event. */
async function refused({ environment }: Started, number: number): Promise<string> {
  const run = await startRun(environment.client, 'createPort', input(environment, number, 'NOBODY'));
  await run.result().catch(() => undefined);
  return `${run.firstExecutionRunId}.operation.refused`;
}

test('no event is lost while workers are killed and a receiver fails, and all deliveries of one have its id', async (context) => {
  const started = await startedWith(false);
  const { environment, receiver } = started;
  const { client, host } = environment;
  const first = await startWorker(environment, context);
  // From then on events count.
  const follows = () => client.workflow.getHandle(`events/${host}`).describe();
  await expect.poll(() => follows().then(({ status }) => status.name, String)).toBe('RUNNING');
  receiver.answerNext(500);
  const expected = [await refused(started, 1)];
  await expect.poll(() => receiver.taken().map(({ id }) => id)).toEqual(expected);
  expect(receiver.received.map(({ event }) => event.id)).toEqual([expected[0], expected[0]]);
  receiver.answerNext('never');
  expected.push(await refused(started, 2));
  await expect.poll(() => receiver.received.length).toBe(3);
  first.kill('SIGKILL');
  await once(first, 'exit');
  // No worker sees this one end.
  const terminated = await startRun(client, 'createPort', input(environment, 3, 'LNX10001'));
  await terminated.terminate('by a test');
  expected.push(`${terminated.firstExecutionRunId}.operation.failed`);
  await startWorker(environment, context);
  expected.push(await refused(started, 4));
  const taken = () => receiver.taken().map(({ id }) => id);
  await expect.poll(() => taken().toSorted(), { timeout: 100_000 }).toEqual(expected.toSorted());
  for (const got of receiver.received) {
    expect(got.headers['webhook-id']).toBe(got.event.id);
    expect(got.headers['webhook-signature']).toBe(signatureOf(got, receiver.secret));
    expect(got.event.data).toMatchObject({ host, type: 'createPort', portIds: [expect.any(String)] });
  }
});

test('an event that a receiver refuses for ever is a dead letter, which is listed and can be delivered again', async () => {
  const { environment, receiver } = await startedWith(true);
  const { client, host } = environment;
  receiver.answerNext(410);
  const id = await startTestNotification(client, host, 'ops', 'tester');
  const listed = () => listNotifications(client, { host, state: 'undelivered' }, 10);
  await expect.poll(listed).toMatchObject([{ id, webhook: 'ops', event: 'test', state: 'undelivered' }]);
  expect(await retryNotification(client, id)).toBe(true);
  await expect.poll(async () => (await describeNotification(client, id))?.state).toBe('delivered');
  expect(receiver.received.map(({ event }) => event.id)).toEqual([1, 2].map(() => receiver.taken()[0]?.id));
  // Delivered once, it is not delivered again.
  expect(await retryNotification(client, id)).toBe(false);
  const unknown = await startTestNotification(client, host, 'nobody', 'tester');
  await expect.poll(async () => (await describeNotification(client, unknown))?.state).toBe('undelivered');
  // Histories and lists have neither URL nor secret.
  const history = JSON.stringify(await client.workflow.getHandle(workflowIdOf(id)).fetchHistory());
  for (const hidden of [receiver.secret, 'Hush', '/hook']) expect(history).not.toContain(hidden);
});
