import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { NotDelivered } from '../../activities/notifications.ts';
import type { WebhookConfiguration } from '../../configuration/webhooks.ts';
import { cloudEvent, EVENT_NAMES } from '../../domain/notifications/notification.ts';
import { webhooksOf } from '../../runtime/notifications/webhook.ts';
import { makeCertificate } from '../../simulator/http/certificate.ts';
import { type Receiver, signatureOf, startReceiver } from './receiver.ts';

const EVENT = cloudEvent('zvm1', 'operation.failed', {
  id: 'run-1.operation.failed',
  time: new Date(),
  subject: 'port~zvm1~x',
  data: { failure: 'z/VM refused' },
});

async function receiving(tls?: { cert: string; key: string }): Promise<Receiver> {
  const receiver = await startReceiver(tls);
  onTestFinished(() => receiver.close());
  return receiver;
}

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'webhook-'));
  onTestFinished(() => rm(path, { recursive: true }));
  return path;
}

function deliver({ url, secret }: Pick<Receiver, 'url' | 'secret'>, changed: Partial<WebhookConfiguration> = {}) {
  const webhook = { name: 'ops', url, secret, events: EVENT_NAMES, ...changed };
  const { secretFile, secret: given, ...rest } = webhook;
  const configured = secretFile === undefined ? { ...rest, secret: given } : { ...rest, secretFile };
  const send = webhooksOf([configured]).get('ops');
  if (send === undefined) throw new Error('no webhook');
  return send(EVENT, new AbortController().signal);
}

test('an event goes as a CloudEvent in structured JSON, signed with its id and the time of the attempt', async () => {
  const receiver = await receiving();
  await deliver(receiver);
  const [got] = receiver.received;
  if (got === undefined) throw new Error('nothing was received');
  expect(got.event).toEqual({
    specversion: '1.0',
    id: 'run-1.operation.failed',
    source: '/networking-zvm/hosts/zvm1',
    type: 'networking-zvm.operation.failed',
    subject: 'port~zvm1~x',
    time: EVENT.time,
    datacontenttype: 'application/json',
    data: { host: 'zvm1', failure: 'z/VM refused' },
  });
  expect(got.headers).toMatchObject({
    'content-type': 'application/cloudevents+json; charset=UTF-8',
    'webhook-id': 'run-1.operation.failed',
    'webhook-timestamp': expect.stringMatching(/^\d{10}$/),
  });
  expect(got.headers['webhook-signature']).toBe(signatureOf(got, receiver.secret));
  expect(signatureOf({ ...got, body: `${got.body} ` }, receiver.secret)).not.toBe(got.headers['webhook-signature']);
});

test('a secret comes from its file as that is now, and while it is changed both are signed with', async () => {
  const receiver = await receiving();
  const secretFile = join(await folder(), 'secret');
  await writeFile(secretFile, `${receiver.secret}\n`);
  await deliver(receiver, { secretFile });
  await writeFile(secretFile, `${receiver.secret}\na second secret of plain text\n`);
  await deliver(receiver, { secretFile });
  const [, got] = receiver.received;
  if (got === undefined) throw new Error('nothing was received');
  expect(got.headers['webhook-signature']).toBe(
    [receiver.secret, 'a second secret of plain text'].map((secret) => signatureOf(got, secret)).join(' '),
  );
  await writeFile(secretFile, '\n');
  await expect(deliver(receiver, { secretFile })).rejects.toThrow('the secret of webhook ops is empty');
  expect(receiver.received).toHaveLength(2);
});

test.each([
  [500, true],
  [404, true],
  [410, false],
  [302, true],
])('an answer %i is no delivery, and another attempt can help: %s', async (status, retryable) => {
  const receiver = await receiving();
  receiver.answerNext(status);
  const failure = await deliver(receiver).catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(NotDelivered);
  expect(failure).toMatchObject({ message: `webhook ops answers ${status}`, retryable });
  // No redirect is followed.
  expect(receiver.received).toHaveLength(1);
});

test('a receiver that is not there is a failure that says nothing of its URL', async () => {
  const receiver = await startReceiver();
  await receiver.close();
  await expect(deliver(receiver)).rejects.toThrow(/^webhook ops cannot be reached: ECONNREFUSED$/);
});

test('the certificate of a receiver is checked, by its CA file where one is given', async () => {
  const { cert, key, ca } = await makeCertificate();
  const receiver = await receiving({ cert, key });
  await expect(deliver(receiver)).rejects.toThrow('cannot be reached');
  const caFile = join(await folder(), 'ca.pem');
  await writeFile(caFile, ca);
  await deliver(receiver, { caFile });
  expect(receiver.received).toHaveLength(1);
});
