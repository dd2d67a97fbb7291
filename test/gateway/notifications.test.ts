import { afterAll, beforeAll, expect, test } from 'vitest';
import { EVENT_NAMES } from '../../domain/notifications/notification.ts';
import { newToken, TokenFile } from '../../gateway/http/tokens.ts';
import { serveGateway } from '../../runtime/gateway/server.ts';
import { zvmnet, zvmnetJson } from '../cli/command.ts';
import { type Receiver, startReceiver } from '../notifications/receiver.ts';
import { createEnvironment, type Environment } from '../workflows/environment.ts';

let receiver: Receiver;
let environment: Environment;
let gateway: Awaited<ReturnType<typeof serveGateway>>;
const changer = newToken('changer', ['*'], ['read', 'change']);
const elsewhere = newToken('elsewhere', ['zvm-elsewhere'], ['read', 'change']);

beforeAll(async () => {
  receiver = await startReceiver();
  const { url, secret } = receiver;
  environment = await createEnvironment({ guests: 2 }, true, {
    webhooks: [{ name: 'ops', url, secret, events: EVENT_NAMES }],
  });
  const { client, host } = environment;
  const { tokens } = TokenFile.parse({ tokens: [changer.entry, elsewhere.entry] });
  gateway = await serveGateway(
    { client, namespace: 'zvm', hosts: [{ host, physicalNetworks: [] }], tokens, log: () => {} },
    { host: '127.0.0.1', port: 0 },
  );
});
afterAll(async () => {
  await gateway.close();
  await environment.close();
  await receiver.close();
});

async function call(method: string, path: string, { token }: { token: string } = changer, body?: object) {
  const answer = await fetch(`${gateway.url}${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: answer.status, body: await answer.json() };
}

test('a test call, the list and a retry by HTTP, for who may', async () => {
  const { host } = environment;
  receiver.answerNext(410);
  const made = await call('POST', `/v1/hosts/${host}/notifications/test`, changer, { webhook: 'ops' });
  expect(made).toMatchObject({ status: 202, body: { host, webhook: 'ops', event: 'test' } });
  const list = `/v1/notifications?host=${host}&state=undelivered`;
  await expect.poll(async () => (await call('GET', list)).body.notifications).toMatchObject([{ id: made.body.id }]);
  expect(receiver.received.at(-1)?.event.data).toMatchObject({ by: 'changer' });
  const retry = `/v1/notifications/${encodeURIComponent(made.body.id)}/retry`;
  expect((await call('POST', retry, elsewhere)).status).toBe(404);
  expect((await call('GET', '/v1/notifications', elsewhere)).body).toEqual({ notifications: [] });
  expect((await call('POST', retry)).status).toBe(202);
  await expect.poll(async () => (await call('POST', retry)).status).toBe(409);
  expect((await call('POST', '/v1/notifications/notify~x~y~z/retry')).status).toBe(404);
});

test('the same by zvmnet, whose exit code says whether it was taken', async () => {
  const env = { ZVMNET_HOST: environment.host };
  expect(await zvmnetJson(['notifications', 'test', 'ops'], env)).toMatchObject({ state: 'delivered', event: 'test' });
  receiver.answerNext(410);
  const refused = await zvmnet(['notifications', 'test', 'ops', '--json'], env);
  expect(refused.code).toBe(1);
  const { id } = JSON.parse(refused.out);
  const listed = async () => (await zvmnet(['notifications', 'list', '--state', 'undelivered'], env)).out;
  await expect.poll(listed).toContain(id);
  expect(await zvmnet(['notifications', 'retry', id], env)).toMatchObject({ code: 0 });
  expect(await zvmnet(['notifications', 'retry', id], env)).toMatchObject({ code: 3 });
  expect(await zvmnet(['notifications', 'retry', 'none'], env)).toMatchObject({ code: 4 });
});
