import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { readControl } from '../../client/host-control.ts';
import { ZVM_OUTCOME } from '../../temporal-config/search-attributes.ts';
import { createEnvironment, type Environment, portId, vlan } from '../workflows/environment.ts';
import { startRun } from '../workflows/start.ts';
import { zvmnet, zvmnetJson } from './command.ts';

const SOON = { timeout: 90_000, interval: 200 };
let zvm: Environment;
beforeAll(async () => {
  zvm = await createEnvironment({ guests: 4 });
});
afterAll(() => zvm.close());

const start = (userid: string, number: number) =>
  startRun(zvm.client, 'createPort', {
    ...{ host: zvm.host, userid, portId: portId(number), vswitch: 'VSW1', network: vlan(100) },
  } as never);
const isHeld = (run: { describe(): ReturnType<Awaited<ReturnType<typeof start>>['describe']> }) =>
  vi.waitUntil(async () => (await run.describe()).typedSearchAttributes.get(ZVM_OUTCOME) === 'held', SOON);
const rowsOf = async (userid: string) => (await zvm.guest(userid)).rows.length;
/** The open operations; Temporal lists what has begun or ended a moment later. */
const listed = async (): Promise<string[]> =>
  (await zvmnetJson(['restore', 'list', zvm.host])).operations.map(({ id }: { id: string }) => id);
const idOf = ({ workflowId }: { workflowId: string }) => workflowId.replaceAll('/', '~');

test('after a restore each open operation goes on or ends by the word of an operator, and nothing else is written', async () => {
  expect((await zvmnet(['restore', 'begin', zvm.host])).code).toBe(0);
  const [continued, ended, undecided] = [
    await start('LNX10001', 1),
    await start('LNX10002', 2),
    await start('LNX10003', 3),
  ];
  await Promise.all([continued, ended, undecided].map(isHeld));
  await expect.poll(listed).toEqual([continued, ended, undecided].map(idOf));
  const { operations } = await zvmnetJson(['restore', 'list', zvm.host]);
  expect(operations[0].would.length).toBeGreaterThan(1);
  expect((await zvmnet(['restore', 'list', zvm.host])).out).toContain('undecided');

  expect((await zvmnet(['restore', 'continue', idOf(continued)])).code).toBe(0);
  await continued.result();
  expect((await zvmnet(['restore', 'end', idOf(ended)])).code).toBe(0);
  await expect(ended.result()).rejects.toThrow();
  expect(await Promise.all(['LNX10001', 'LNX10002', 'LNX10003'].map(rowsOf))).toEqual([1, 0, 0]);

  await expect.poll(listed).toEqual([idOf(undecided)]);
  const early = await zvmnet(['restore', 'finish', zvm.host]);
  expect(early).toMatchObject({ code: 3, err: expect.stringContaining('1 operations are undecided') });
  expect((await zvmnet(['restore', 'finish', zvm.host, '--continue-rest'])).code).toBe(0);
  await undecided.result();
  expect(await rowsOf('LNX10003')).toBe(1);
  expect((await readControl(zvm.client, zvm.host)).restore).toBeUndefined();
});

test('an operation that is ended in the middle of its steps leaves its guest as it is', async () => {
  const match = [
    { method: 'PUT', path: '/tables/switch' },
    { method: 'PUT', path: '/dsh', command: 'tabch' },
  ];
  const rows = await zvm.hold(match);
  const run = await start('LNX10004', 4);
  await rows.reached();
  expect((await zvmnet(['restore', 'begin', zvm.host])).code).toBe(0);
  // The worker learns of it while it writes the row.
  await vi.waitUntil(async () => (await readControl(zvm.client, zvm.host)).restore !== undefined, SOON);
  await rows.release();
  await isHeld(run);
  await expect.poll(listed).toEqual([idOf(run)]);
  const { operations } = await zvmnetJson(['restore', 'list', zvm.host]);
  expect(operations[0].would.join()).toContain('VSW1');
  expect((await zvmnet(['restore', 'end', idOf(run)])).code).toBe(0);
  await expect(run.result()).rejects.toThrow();
  expect(await rowsOf('LNX10004')).toBe(1);
  expect((await zvm.guest('LNX10004')).granted).toEqual({});
  expect((await zvmnet(['restore', 'finish', zvm.host])).code).toBe(0);
});
