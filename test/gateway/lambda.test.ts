import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { newToken, TokenFile } from '../../gateway/http/tokens.ts';
import { createLambdaHandler } from '../../gateway/lambda.ts';
import { createEnvironment, type Environment, portId } from '../workflows/environment.ts';
import { WAIT } from './environment.ts';

const ROOT = join(import.meta.dirname, '../..');
const { token, entry } = newToken('portal', ['*'], ['read', 'change']);

let environment: Environment;
beforeAll(async () => {
  environment = await createEnvironment();
});
afterAll(() => environment.close());

/** An example event, with this test's host and token. */
const event = async (name: string): Promise<string> =>
  (await readFile(join(ROOT, 'docs/examples', name), 'utf8'))
    .replaceAll('zvm1', environment.host)
    .replaceAll('wait=20', WAIT.prefer)
    .replaceAll('TOKEN', token);

function rawHandler(more: object = {}) {
  const handler = createLambdaHandler({
    client: environment.client,
    namespace: inject('temporalNamespace'),
    hosts: [{ host: environment.host, physicalNetworks: [] }],
    tokens: TokenFile.parse({ tokens: [entry] }).tokens,
    publicUrl: 'https://a1b2c3d4e5.execute-api.eu-central-1.amazonaws.com/prod',
    log: () => {},
    ...more,
  });
  return async (asked: object) => (await handler(asked as never)) as unknown as Answer;
}

function handlerOf(more: object = {}) {
  const handler = rawHandler(more);
  return async (text: string) => {
    const answer = await handler(JSON.parse(text));
    return { ...answer, body: JSON.parse(answer.body) };
  };
}
type Answer = { statusCode: number; headers: Record<string, string>; body: string; isBase64Encoded: boolean };

test("an HTTP API's event creates a port, a REST API's reads it", async () => {
  const handle = handlerOf();
  const created = await handle(await event('api-gateway-http-2.0.json'));
  expect(created).toMatchObject({ statusCode: 200, body: { type: 'attachNic', outcome: 'changed' } });
  expect(created.headers.location).toMatch(/^https:\/\/a1b2c3d4e5\.execute-api\.[^/]+\/prod\/v1\/operations\//);
  const read = await handle(await event('api-gateway-rest-1.0.json'));
  expect(read).toMatchObject({ statusCode: 200, body: { portId: portId(1), inOrder: true } });
});

test('a stream of events ends with the state of the host, since nothing is answered before its end', async () => {
  const text = (await event('api-gateway-http-2.0.json')).replaceAll('"PUT"', '"GET"');
  const { requestContext, ...rest } = JSON.parse(text);
  const rawPath = `/prod/v1/hosts/${environment.host}/events`;
  const handler = rawHandler();
  const answer = await handler({ ...rest, rawPath, rawQueryString: '', body: undefined, requestContext });
  expect(answer.statusCode).toBe(200);
  expect(Buffer.from(answer.body, answer.isBase64Encoded ? 'base64' : 'utf8').toString()).toContain('event: state');
});

test('a path that API Gateway has decoded is read as it was sent', async () => {
  const http = (await event('api-gateway-http-2.0.json')).replaceAll('LNX10001', 'LNX#1');
  const rest = (await event('api-gateway-rest-1.0.json')).replaceAll('LNX10001', 'LNX#1');
  for (const text of [http, rest]) {
    const answer = await handlerOf()(text);
    expect(JSON.stringify(answer.body)).toContain('LNX#1');
    expect([404, 409]).toContain(answer.statusCode);
  }
});

test('an event that is no request is refused by that', async () => {
  await expect(rawHandler()({ source: 'aws.events' })).rejects.toThrow('the event is not an HTTP request');
});

test('a caller with unknown tokens is limited by its address', async () => {
  const handle = handlerOf({ limits: { strangersPerMinute: 2 } });
  const guess = (await event('api-gateway-rest-1.0.json')).replaceAll(token, 'guess');
  expect((await handle(guess)).statusCode).toBe(401);
  expect((await handle(guess)).statusCode).toBe(401);
  expect((await handle(guess)).statusCode).toBe(429);
  expect((await handle(guess.replaceAll('192.0.2.1', '192.0.2.2'))).statusCode).toBe(401);
});

test('the entry takes all from the environment, and connects with the first event', async () => {
  const text = await event('api-gateway-rest-1.0.json');
  const script = `
    const { handler } = await import(${JSON.stringify(join(ROOT, 'workers/gateway-lambda.ts'))});
    const answer = await handler(JSON.parse(process.argv[1])).catch((error) => ({ error: error.message }));
    process.stdout.write(JSON.stringify(answer), () => process.exit(0));`;
  const run = async (env: Record<string, string>) => {
    // The worker is in this process, which must not stand still.
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script, text], {
      env: { PATH: process.env.PATH, TEMPORAL_ADDRESS: inject('temporalAddress'), ...env },
    });
    return JSON.parse(stdout);
  };
  const env = {
    TEMPORAL_NAMESPACE: inject('temporalNamespace'),
    ZVM_GATEWAY_HOSTS: JSON.stringify([{ host: environment.host }]),
    ZVM_GATEWAY_TOKENS: JSON.stringify({ tokens: [entry] }),
  };
  expect(await run(env)).toMatchObject({ statusCode: 200, body: expect.stringContaining(portId(1)) });
  expect(await run({ ...env, ZVM_GATEWAY_TOKENS: 'Hush' })).toEqual({
    error: 'ZVM_GATEWAY_TOKENS is missing or not JSON',
  });
  expect((await run({ ...env, ZVM_GATEWAY_HOSTS: '[{}]' })).error).toMatch(/^ZVM_GATEWAY_HOSTS: 0\.host/);
});
