import { afterAll, beforeAll, expect, test } from 'vitest';
import { type QueryParameters, SAVED_QUERIES } from '../../temporal-config/saved-queries.ts';
import { searchAttributesOf, ZVM_OUTCOME } from '../../temporal-config/search-attributes.ts';
import { portId, type Scene } from '../temporal-ui/scene.ts';
import { type PlayedStage, setStage } from '../temporal-ui/stage.ts';

const HOUR_MS = 3_600_000;

let stage: PlayedStage;
beforeAll(async () => {
  stage = await setStage();
  await notWiredForNeutron();
  await awaitsApproval();
});
afterAll(() => stage?.stack.stop());

/** A stand-in for a run of followNeutron whose ports could not be wired. */
async function notWiredForNeutron(): Promise<void> {
  const run = await stage.stack.client.workflow.start('followNeutron', {
    taskQueue: 'nobody',
    workflowId: 'neutron/zvm1',
    args: [{ host: 'zvm1' }],
    typedSearchAttributes: [...searchAttributesOf({ host: 'zvm1' }), { key: ZVM_OUTCOME, value: 'failed' }],
  });
  await run.terminate();
}

/** A stand-in for an operation that the policy has wait. */
async function awaitsApproval(): Promise<void> {
  await stage.stack.client.workflow.start('deletePort', {
    taskQueue: 'nobody',
    workflowId: 'delete-port/zvm1/awaits',
    typedSearchAttributes: [...searchAttributesOf({ host: 'zvm1' }), { key: ZVM_OUTCOME, value: 'awaiting-approval' }],
  });
}

/** For each query: its parameters, the runs that it finds, and the runs that it must not find. */
const EXPECTED: Record<string, [QueryParameters, (scene: Scene) => string[], (scene: Scene) => string[]]> = {
  Failed: [{ host: 'zvm1' }, (s) => [s.failed, s.gaveUp], (s) => [s.refusedVlan, s.changed, 'guest/zvm1/LNX10009']],
  Refused: [{ host: 'zvm1' }, (s) => [s.refusedVswitch, s.refusedVlan, s.wired], (s) => [s.failed]],
  Retrying: [{}, (s) => [s.retrying, 'guest/zvm1/LNX10011'], (s) => [s.terminated, s.waiting]],
  'Waiting for their guest': [{}, (s) => [s.waiting], (s) => [s.retrying]],
  'Awaiting approval': [{ host: 'zvm1' }, () => ['delete-port/zvm1/awaits'], (s) => [s.waiting]],
  Held: [{ host: 'zvm1' }, () => [], (s) => [s.waiting]],
  'In progress': [{ host: 'zvm1' }, (s) => [s.retrying, s.waiting], (s) => [s.failed, 'guest/zvm1/LNX10011']],
  'Running for more than an hour': [{ host: 'zvm1' }, (s) => [s.retrying, s.waiting], (s) => [s.changed]],
  Changes: [{}, (s) => [s.changed, s.deleted, s.repaired], (s) => [s.dryRun, s.refusedVlan]],
  'Cancelled or terminated': [{ host: 'zvm1' }, (s) => [s.cancelled, s.terminated], (s) => [s.failed]],
  'Reconciliations that found drift': [{ host: 'zvm2' }, (s) => [s.repaired], (s) => [s.fleet]],
  'Reconciliations that could not repair': [{ host: 'zvm2' }, () => [], (s) => [s.repaired]],
  'Differs from Neutron': [{ host: 'zvm1' }, () => ['neutron/zvm1'], (s) => [s.failed]],
  'Undelivered notifications': [{ host: 'zvm1' }, () => [], (s) => [s.failed]],
  'Everything about a port': [
    { port: portId(1).toUpperCase() },
    (s) => [s.changed, s.dryRun, 'guest/zvm1/LNX10005'],
    (s) => [s.deleted, s.failed],
  ],
  'Everything about a guest': [
    { host: 'zvm1', userid: 'lnx10005' },
    (s) => [s.changed, s.deleted, s.refusedVlan, 'guest/zvm1/LNX10005'],
    (s) => [s.failed],
  ],
  'On a VLAN': [{ vlan: '1005' }, (s) => [s.changed], (s) => [s.dryRun]],
  'On a VSWITCH': [{ vswitch: 'vsw2' }, (s) => [s.failed, s.gaveUp, s.deleted], (s) => [s.changed]],
};

async function found(query: string): Promise<Set<string>> {
  const ids = new Set<string>();
  for await (const { workflowId } of stage.stack.client.workflow.list({ query })) ids.add(workflowId);
  return ids;
}

test('every saved query is asked below', () => {
  expect(Object.keys(EXPECTED).sort()).toEqual(SAVED_QUERIES.map(({ name }) => name).sort());
});

test.each(SAVED_QUERIES)('"$name" finds $description', async ({ name, query, needs, ofNow }) => {
  const [parameters, wanted, unwanted] = EXPECTED[name] ?? [{}, () => [], () => []];
  expect(needs.filter((need) => parameters[need] === undefined)).toEqual([]);
  // Only the query's clock is ahead by more than an hour.
  const now = new Date(Date.now() + (ofNow === true ? 2 * HOUR_MS : 0));
  const { scene } = stage;
  // Temporal's list is a moment behind.
  await expect
    .poll(() => found(query({ ...parameters, hours: 24 }, now)))
    .toSatisfy((ids: Set<string>) => wanted(scene).every((id) => ids.has(id)));
  const ids = await found(query({ ...parameters, hours: 24 }, now));
  expect(unwanted(scene).filter((id) => ids.has(id))).toEqual([]);
});

test.each(['Failed', 'Refused', 'Changes'])(
  '"%s" finds nothing that is older than the hours asked for',
  async (name) => {
    const later = new Date(Date.now() + 25 * HOUR_MS);
    const saved = SAVED_QUERIES.find((each) => each.name === name);
    expect(await found(saved?.query({ hours: 24 }, later) ?? '')).toEqual(new Set());
    expect((await found(saved?.query({}, later) ?? '')).size).toBeGreaterThan(0);
  },
);

test('a name that holds quotes or backslashes is one value and no other query', async () => {
  const guest = SAVED_QUERIES.find(({ needs }) => needs.includes('userid'));
  const userid = '\\" OR ZvmHost = "zvm1';
  expect(await found(guest?.query({ host: 'zvm1', userid }, new Date()) ?? '')).toEqual(new Set());
});
