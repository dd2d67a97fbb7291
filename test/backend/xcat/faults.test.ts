import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { createXcatClient, type XcatClient } from '../../../backend/xcat/rest/client.ts';
import { grant, queryLiveNics, queryVswitches } from '../../../backend/xcat/zhcp/smcli.ts';
import { parseVswitches } from '../../../backend/xcat/zhcp/smcli-parsers.ts';
import { judge } from '../../../backend/zvm/return-codes.ts';
import { Userid } from '../../../domain/text/identifiers.ts';
import { type Simulator, startSimulator } from '../../../simulator/simulator.ts';

const ZHCP = Userid.parse('ZHCP1');
const GUEST = Userid.parse('LNX10001');
const OPTIONS = { username: 'admin', password: 'admin', verifyTls: true, credentialsInQuery: false };
const PATIENT_MS = 60_000;
let simulator: Simulator;
let client: XcatClient;
beforeAll(async () => {
  simulator = await startSimulator({ hosts: 1, guests: 2, release: '6.3' });
  client = createXcatClient({ url: simulator.url, timeoutMs: PATIENT_MS, ...OPTIONS });
});
afterAll(async () => {
  await client.close();
  await simulator.close();
});
afterEach(() => control('DELETE', 'faults'));

async function control(method: string, path: string, body?: unknown): Promise<unknown> {
  const init = body === undefined ? { method } : { method, body: JSON.stringify(body) };
  return (await fetch(`${simulator.url}/simulator/${path}`, init)).json();
}
const fault = (action: object, more: object = {}) =>
  control('POST', 'faults', { match: {}, action, times: 1, ...more });

describe.each([
  ['a dump', ({ tables }: XcatClient) => tables.dump('switch')],
  ['a change', ({ tables }: XcatClient) => tables.change('switch', ['-d node=nobody switch'])],
  ['a script', ({ channel }: XcatClient) => channel('zhcp1').run([queryVswitches(ZHCP, '*')])],
] as const)('%s', (_case, call) => {
  test.each([
    ['is retryable when xcatd is not reachable', { kind: 'status', status: 503 }, { code: 'busy', retryable: true }],
    [
      'is retryable when xcatd dies in the middle',
      {
        kind: 'status',
        status: 503,
        text: 'ERROR/WARNING: communication with the xCAT server seems to have been ended prematurely',
      },
      { code: 'busy', retryable: true },
    ],
    ['is retryable after a time-out of the CGI', { kind: 'status', status: 408 }, { code: 'timeout', retryable: true }],
    [
      'is retryable when the connection drops before',
      { kind: 'drop', when: 'before' },
      { code: 'unreachable', retryable: true },
    ],
    [
      'is retryable when the connection drops after',
      { kind: 'drop', when: 'after' },
      { code: 'unreachable', retryable: true },
    ],
    ['is retryable when the answer is cut short', { kind: 'truncate' }, { code: 'bad-answer', retryable: true }],
    ['is retryable when a web page comes instead', { kind: 'garbage' }, { code: 'bad-answer', retryable: true }],
    [
      'is permanent when the credentials are refused',
      { kind: 'status', status: 401 },
      { code: 'unauthorised', retryable: false },
    ],
    [
      'is retryable when the server has an error',
      { kind: 'status', status: 500 },
      { code: 'bad-answer', retryable: true },
    ],
  ])('%s', async (_name, action, error) => {
    await fault(action);
    await expect(call(client)).rejects.toMatchObject(error);
    await call(client);
  });

  test('is retryable when no answer comes in time', async () => {
    const hasty = createXcatClient({ url: simulator.url, timeoutMs: 200, ...OPTIONS });
    await fault({ kind: 'hold', when: 'before' });
    await expect(call(hasty)).rejects.toMatchObject({ code: 'timeout', retryable: true });
    await hasty.close();
  });
});

test('works again after the management node was started anew', async () => {
  await client.version();
  await control('POST', 'restart');
  expect(await client.version()).toBe('2.8.3.16');
});

test('a function that answers a failure although it was done is judged by its code', async () => {
  const code = { rc: 900, rs: 99, when: 'after' };
  await fault({ kind: 'smapi', function: 'Virtual_Network_Vswitch_Set_Extended', ...code });
  const vswitch = parseVswitches((await query())[0]?.output ?? '').find(({ name }) => name === 'VSW1');
  if (vswitch === undefined) throw new Error('no VSW1');
  const [outcome] = await client.channel('zhcp1').run([grant(ZHCP, vswitch.name, GUEST, [7])]);
  expect(
    outcome?.ran === true && judge('Virtual_Network_Vswitch_Set_Extended', outcome.exitStatus, outcome.output),
  ).toMatchObject({
    ok: false,
    retryable: true,
  });
  const after = parseVswitches((await query())[0]?.output ?? '').find(({ name }) => name === 'VSW1');
  expect(after?.authorisations).toContainEqual({ userid: GUEST, vlans: [7] });
});

async function query() {
  const outcomes = await client.channel('zhcp1').run([queryVswitches(ZHCP, '*')]);
  return outcomes.map((outcome) => (outcome.ran ? outcome : { output: '' }));
}

test('a failing command does not fail its neighbours of the same call', async () => {
  const nobody = Userid.parse('NOBODY');
  const before = ((await control('GET', 'counters')) as { httpCalls: number }).httpCalls;
  const [ours, theirs] = await Promise.all([
    client.channel('zhcp1').run([queryVswitches(ZHCP, '*')]),
    client.channel('zhcp1').run([queryLiveNics(nobody)]),
  ]);
  expect(ours).toMatchObject([{ ran: true, exitStatus: 0 }]);
  expect(theirs).toMatchObject([{ ran: true, exitStatus: 1 }]);
  expect(((await control('GET', 'counters')) as { httpCalls: number }).httpCalls).toBe(before + 1);
});

test('a small request does not wait for a long queue to be carried out', async () => {
  const order: string[] = [];
  const channel = client.channel('zhcp1');
  const many = Array.from({ length: 3_000 }, () => [queryLiveNics(GUEST)]);
  const all = channel.run(many).then(() => order.push('many'));
  await new Promise((resolve) => setImmediate(resolve));
  const one = channel.run([queryLiveNics(GUEST)]).then(() => order.push('one'));
  await Promise.all([all, one]);
  expect(order).toEqual(['one', 'many']);
});

test('a command that hangs is ended, retryably, and does not hold up the other lanes of its script', async () => {
  const other = createXcatClient({ url: simulator.url, ...OPTIONS, timeoutMs: PATIENT_MS, commandSeconds: 1 });
  const channel = other.channel('zhcp1');
  const hanging = { argv: ['sleep', '600'] };
  const [hung, fine] = await Promise.all([channel.run([hanging]), channel.run([queryVswitches(ZHCP, '*')])]);
  await other.close();
  expect(fine).toMatchObject([{ ran: true, exitStatus: 0 }]);
  expect(hung).toMatchObject([{ ran: true, exitStatus: 124 }]);
  expect(judge('sleep', 124, '')).toMatchObject({ ok: false, retryable: true });
});

test('a table of 10,000 rows is read whole', async () => {
  const rows = Array.from({ length: 10_000 }, (_, index) => ({
    node: `os${index}`,
    switch: 'VSW1',
    port: `p-${index}`,
    comments: 'a "quoted", word',
  }));
  simulator.mn.tables.replace('switch', rows);
  const read = await client.tables.dump('switch');
  expect(read).toHaveLength(10_000);
  expect(read.at(-1)).toMatchObject({ node: 'os9999', comments: 'a "quoted", word' });
  simulator.mn.tables.replace('switch', []);
});

test('no secret is in any error', async () => {
  const secret = 'Sesame-0pen&up';
  const options = { username: 'somebody', password: secret, verifyTls: true, timeoutMs: PATIENT_MS };
  for (const credentialsInQuery of [true, false]) {
    const other = createXcatClient({ url: simulator.url, ...options, credentialsInQuery });
    const error: unknown = await other.version().catch((reason: unknown) => reason);
    await other.close();
    expect(error).toMatchObject({ code: 'unauthorised' });
    const shown = JSON.stringify(error, Object.getOwnPropertyNames(error)) + String((error as Error).stack);
    expect(shown).not.toContain('Sesame');
  }
});
