import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, inject, type TestContext, test, vi } from 'vitest';
import { localTarget } from '../../client/temporal-connection.ts';
import { taskQueueOf } from '../../domain/host/host.ts';
import { runWorkers } from '../../runtime/host/run-workers.ts';
import { createLogger } from '../../runtime/process/logging.ts';
import { guestWorkflowId } from '../../temporal-config/names.ts';
import { ZVM_OUTCOME } from '../../temporal-config/search-attributes.ts';
import { bundledWorkflows } from '../bundled-workflows.ts';
import { createEnvironment, type Environment, laterThanNow, portId, vlan } from './environment.ts';
import { lateWord } from './late-word.ts';
import { startRun } from './start.ts';
import { startWorker } from './worker-of-its-own.ts';

const GRANT = { command: 'Virtual_Network_Vswitch_Set_Extended' };
const READING = { command: 'Virtual_Network_Vswitch_Query' };
const CONFIGURING = [
  { command: 'Virtual_Network_Adapter_Create_Extended_DM' },
  { command: 'Virtual_Network_Adapter_Connect_Vswitch_DM' },
  { command: 'Image_Definition_Update_DM' },
];
let zvm: Environment;
let guests = 0;
beforeAll(async () => {
  zvm = await createEnvironment({ guests: 60 });
});
afterAll(() => zvm.close());

type Port = { userid: string; portId: string; vswitch: string; network: object };
const userid = (number: number) => `LNX1${String(number).padStart(4, '0')}`;
const portOf = (number: number, segmentationId = 7): Port => ({
  ...{ userid: userid(number), portId: portId(number), vswitch: 'VSW1', network: vlan(segmentationId) },
});
/** Ports of so many guests that no other test works on. */
function ports(count: number, segmentationId = 7): Port[] {
  guests += count;
  return Array.from({ length: count }, (_, index) => portOf(guests - count + index + 1, segmentationId));
}

const startWiring = ({ client, host }: Environment, wanted: Port[]) =>
  startRun(client, 'wirePorts', { host, ports: wanted } as never);
const guestRun = ({ client, host }: Environment, of: string) => client.workflow.getHandle(guestWorkflowId(host, of));
const hasOutcome = (workflowId: string, outcome: string) =>
  expect
    .poll(async () =>
      (await zvm.client.workflow.getHandle(workflowId).describe()).typedSearchAttributes.get(ZVM_OUTCOME),
    )
    .toBe(outcome);

/** No guest's run is open, awake or asleep. */
async function nothingIsLeft({ client, host }: Environment): Promise<void> {
  const query = `TaskQueue = "${taskQueueOf(host)}" AND WorkflowType = "convergeGuest" AND ExecutionStatus = "Running"`;
  const isLeft = async () => {
    for await (const _run of client.workflow.list({ query })) return true;
    return false;
  };
  // Where tests run side by side, `expect.poll` does not know of which it is.
  await vi.waitUntil(async () => !(await isLeft()), { timeout: 90_000, interval: 500 });
}

/** The guest's run has heard that its request is withdrawn. */
async function isWithdrawn(environment: Environment, of: string): Promise<boolean> {
  const { events } = await guestRun(environment, of).fetchHistory();
  return events?.some((event) => event.workflowExecutionSignaledEventAttributes?.signalName === 'withdraw') ?? false;
}

/** The parts of a port that a guest has: directory entry, authorisation and row are there together, or none of them. */
async function isWhole(environment: Environment, of: string): Promise<'wired' | 'absent' | 'half done'> {
  const { directory, granted, rows } = await environment.guest(of);
  const parts = [directory.length > 0, Object.keys(granted).length > 0, rows.length > 0];
  if (parts.every((part) => part)) return 'wired';
  return parts.some((part) => part) ? 'half done' : 'absent';
}

/** Another worker of the host, in this process. */
async function addWorker({ configuration }: Environment, { onTestFinished }: Pick<TestContext, 'onTestFinished'>) {
  const target = localTarget(inject('temporalAddress'), inject('temporalNamespace'));
  const bundle = await bundledWorkflows();
  const workers = await runWorkers([configuration], target, createLogger('silent'), undefined, undefined, { bundle });
  let stopped: Promise<void> | undefined;
  const stop = () => {
    stopped ??= workers.stop();
    return stopped;
  };
  onTestFinished(stop);
  return { stop };
}

test.each([
  ['read', READING, 'before'],
  ['changed', GRANT, 'before'],
  ['changed, and z/VM has done it', GRANT, 'after'],
] as const)(
  'a word on a guest that is lent and being %s waits, shows it, and is the last',
  async (_what, call, when) => {
    const wanted = ports(3);
    const [first, second] = wanted.map((port) => ({ host: zvm.host, userid: port.userid, portId: port.portId }));
    const held = await zvm.hold(call, when);
    const wiring = await startWiring(zvm, wanted);
    await held.reached();
    const change = await startRun(zvm.client, 'changeVlan', { ...first, network: vlan(302) } as never);
    const deletion = await startRun(zvm.client, 'deletePort', second as never);
    await hasOutcome(change.workflowId, 'waiting');
    await hasOutcome(deletion.workflowId, 'waiting');
    await held.release();
    expect(await wiring.result()).toMatchObject({ wired: 3 });
    expect(await Promise.all([change.result(), deletion.result()])).toMatchObject([
      { changed: true },
      { changed: true },
    ]);
    expect((await zvm.guest(wanted[0]?.userid ?? '')).granted).toEqual({ VSW1: [302] });
    expect(await isWhole(zvm, wanted[1]?.userid ?? '')).toBe('absent');
    expect(await isWhole(zvm, wanted[2]?.userid ?? '')).toBe('wired');
    await nothingIsLeft(zvm);
  },
);

test('an earlier word that arrives while the guest is lent is refused, and the later one stands', async () => {
  const wanted = ports(2, 302);
  const [port] = wanted;
  const late = await lateWord(zvm, port?.userid ?? '', 'createPort', {
    ...{ portId: port?.portId ?? '', vswitch: 'VSW1' },
    network: vlan(301),
  });
  await laterThanNow();
  const held = await zvm.hold(GRANT, 'after');
  const wiring = await startWiring(zvm, wanted);
  await held.reached();
  expect(await late.arrives(() => held.release())).toBe('refused');
  expect(await wiring.result()).toMatchObject({ wired: 2 });
  expect((await zvm.guest(port?.userid ?? '')).granted).toEqual({ VSW1: [302] });
});

test('an earlier word that is known of, and arrives while the guest is lent, is carried out first', async () => {
  const wanted = ports(2, 302);
  const [port] = wanted;
  const asked = { portId: port?.portId ?? '', vswitch: 'VSW1', network: vlan(301) };
  const late = await lateWord(zvm, port?.userid ?? '', 'createPort', asked, true);
  await laterThanNow();
  const held = await zvm.hold(READING);
  const wiring = await startWiring(zvm, wanted);
  await held.reached();
  await late.arrives(() => held.release());
  // A port that is there on another VLAN is not wired anew.
  expect(await wiring.result()).toMatchObject({ wired: 1, refused: 1 });
  expect((await zvm.guest(port?.userid ?? '')).granted).toEqual({ VSW1: [301] });
});

test('words that were accepted while no worker ran, before and after a bulk operation, keep their order', async (context) => {
  const other = await createEnvironment({ guests: 6 }, false);
  context.onTestFinished(() => other.close());
  const { client, host } = other;
  const [created, changed] = [
    [1, 2, 3],
    [4, 5, 6],
  ];
  const earlier = await Promise.all(
    created.map((number) => startRun(client, 'createPort', { host, ...portOf(number, 301) } as never)),
  );
  await laterThanNow();
  const wiring = await startWiring(
    other,
    [...created, ...changed].map((number) => portOf(number, 302)),
  );
  await laterThanNow();
  const later = await Promise.all(
    changed.map((number) => {
      const request = { host, userid: userid(number), portId: portId(number), network: vlan(303) };
      return startRun(client, 'changeVlan', request as never);
    }),
  );
  await addWorker(other, context);
  await Promise.all([...earlier, ...later].map((run) => run.result()));
  // A port that is there on another VLAN is not wired anew.
  expect(await wiring.result()).toMatchObject({ wired: 3, refused: 3 });
  for (const number of created) expect((await other.guest(userid(number))).granted).toEqual({ VSW1: [301] });
  for (const number of changed) expect((await other.guest(userid(number))).granted).toEqual({ VSW1: [303] });
  await nothingIsLeft(other);
});

test.concurrent.for(['before', 'after'] as const)(
  'guests of a window whose worker is killed, %s z/VM has done it, end right by another, and nothing is left open',
  { timeout: 300_000 },
  async (when, context) => {
    const own = await createEnvironment({ guests: 4 }, false);
    context.onTestFinished(() => own.close());
    const killed = await startWorker(own, context);
    const held = await own.hold(CONFIGURING, when);
    const wiring = await startWiring(
      own,
      [1, 2, 3].map((number) => portOf(number)),
    );
    await held.reached();
    killed.kill('SIGKILL');
    await once(killed, 'exit');
    await held.release();
    await startWorker(own, context);
    expect(await wiring.result()).toMatchObject({ wired: 3, unchanged: 0, failed: 0, refused: 0 });
    for (const number of [1, 2, 3]) expect(await isWhole(own, userid(number))).toBe('wired');
    await nothingIsLeft(own);
  },
);

test.concurrent.for(['while another goes on', 'before another has begun'] as const)(
  'a bulk operation whose worker was killed at work, and that is cancelled %s, takes its guests back',
  {
    timeout: 300_000,
  },
  async (when, context) => {
    const own = await createEnvironment({ guests: 4 }, false);
    context.onTestFinished(() => own.close());
    const killed = await startWorker(own, context);
    await (
      await startWiring(
        own,
        [1, 2, 3].map((number) => portOf(number)),
      )
    ).result();
    const second = [1, 2, 3].map((number) => ({ ...portOf(number, 8), portId: portId(10 + number), vswitch: 'VSW2' }));
    const held = await own.hold(CONFIGURING, 'after');
    const wiring = await startWiring(own, second);
    await held.reached();
    killed.kill('SIGKILL');
    await once(killed, 'exit');
    await held.release();
    if (when === 'before another has begun') {
      // Temporal knows that the worker is lost.
      const attempt = async () => (await wiring.describe()).raw.pendingActivities?.[0]?.attempt;
      await vi.waitUntil(async () => (await attempt()) === 2, { timeout: 90_000, interval: 500 });
      await wiring.cancel();
      await startWorker(own, context);
    } else {
      const again = await own.hold(READING, 'before');
      await startWorker(own, context);
      await again.reached();
      await wiring.cancel();
      for (const number of [1, 2, 3])
        await vi.waitUntil(() => isWithdrawn(own, userid(number)), { timeout: 90_000, interval: 500 });
      await again.release();
    }
    await expect(wiring.result()).rejects.toMatchObject({ cause: { name: 'CancelledFailure' } });
    for (const number of [1, 2, 3]) {
      const guest = await own.guest(userid(number));
      expect(guest.directory.map(({ vdev }) => vdev)).toEqual(['1000']);
      expect(guest.granted).toEqual({ VSW1: [7] });
      expect(guest.rows).toHaveLength(1);
    }
    await nothingIsLeft(own);
  },
);

test('a bulk operation that is cancelled while its window is at work takes all its guests back', async () => {
  const wanted = ports(4);
  const held = await zvm.hold(GRANT, 'after');
  const wiring = await startWiring(zvm, wanted);
  await held.reached();
  await wiring.cancel();
  await held.release();
  await expect(wiring.result()).rejects.toMatchObject({ cause: { name: 'CancelledFailure' } });
  expect((await wiring.describe()).typedSearchAttributes.get(ZVM_OUTCOME)).toBe('cancelled');
  for (const port of wanted) expect(await isWhole(zvm, port.userid)).toBe('absent');
  await nothingIsLeft(zvm);
});

test('a guest run that is terminated while its guest is lent ends the port, and the next operation is carried out', async () => {
  const wanted = ports(3);
  const of = wanted[0]?.userid ?? '';
  const held = await zvm.hold(GRANT, 'after');
  const wiring = await startWiring(zvm, wanted);
  await held.reached();
  await guestRun(zvm, of).terminate('by an operator');
  const next = await startRun(zvm.client, 'createPort', {
    ...{ host: zvm.host, userid: of, portId: portId(9_001), vswitch: 'VSW2', network: vlan(9) },
  } as never);
  await held.release();
  const result = await wiring.result();
  const ofOthers = result.ports.filter((port) => port.userid !== of);
  expect(ofOthers.map(({ outcome }) => outcome)).toEqual(['wired', 'wired']);
  const own = result.ports.find((port) => port.userid === of);
  // The window may have carried it out before the worker hears of the end.
  if (own?.outcome !== 'wired')
    expect(own).toMatchObject({ outcome: 'failed', reason: expect.stringMatching(/its guest run .* was terminated/) });
  await next.result();
  expect((await zvm.guest(of)).granted).toMatchObject({ VSW2: [9] });
  await nothingIsLeft(zvm);
});

test('a bulk operation that is terminated at work leaves no guest half done, also when another worker takes them over', async (context) => {
  const own = await createEnvironment({ guests: 4 });
  context.onTestFinished(() => own.close());
  await addWorker(own, context);
  const wanted = [1, 2, 3, 4].map((number) => portOf(number));
  const held = await own.hold(GRANT, 'after');
  const wiring = await startWiring(own, wanted);
  await held.reached();
  await wiring.terminate('by an operator');
  // The worker looks every 20 seconds.
  await sleep(21_000);
  await held.release();
  await nothingIsLeft(own);
  for (const port of wanted) expect(await isWhole(own, port.userid)).toBe('absent');
});

test('guests that are all right already are unchanged, and their runs have eight events at most', async () => {
  const wanted = ports(5);
  expect(await (await startWiring(zvm, wanted)).result()).toMatchObject({ wired: 5 });
  for (const outcome of ['changed', 'unchanged']) {
    for (const port of wanted) {
      const run = guestRun(zvm, port.userid);
      expect((await run.fetchHistory()).events?.length, outcome).toBeLessThanOrEqual(8);
      expect(await run.result()).toMatchObject({ requests: [{ outcome }] });
    }
    if (outcome === 'changed') expect(await (await startWiring(zvm, wanted)).result()).toMatchObject({ unchanged: 5 });
  }
});

test('words about a guest that is lent, of those who have not borrowed it, change nothing', async () => {
  const wanted = ports(2);
  const [first, second] = wanted.map((port) => guestRun(zvm, port.userid));
  const held = await zvm.hold(GRANT, 'after');
  const wiring = await startWiring(zvm, wanted);
  await held.reached();
  const requestId = `${wiring.firstExecutionRunId}/0`;
  const result = { changed: false, steps: [], ports: [], refused: [], liveVdevs: [] };
  for (const how of [
    ...[undefined, null, 7, 'done', [], {}, { kind: 'begun' }, { requestId: 'another/0', kind: 'begun' }],
    ...[
      { requestId, kind: 'lost' },
      { requestId, kind: 'done' },
      { requestId, kind: 'done', result },
    ],
  ])
    await first?.signal('giveBack', how);
  // A forged end of the loan has the guest's run go on beside the window, one after another.
  await second?.signal('giveBack', { requestId: `${wiring.firstExecutionRunId}/1`, kind: 'untouched' });
  await held.release();
  const { wired, unchanged } = await wiring.result();
  expect(wired + unchanged).toBe(2);
  for (const port of wanted) expect(await isWhole(zvm, port.userid)).toBe('wired');
  await nothingIsLeft(zvm);
});

test('guests of a window that are refused, busy or right already end as they are beside those that are wired', async () => {
  const wanted = ports(5);
  const [refused, busy, right] = wanted;
  await zvm.run('createPort', right ?? {});
  const first = await zvm.hold({ ...READING }, 'before');
  const other = await startRun(zvm.client, 'createPort', {
    ...{ ...busy, host: zvm.host, portId: portId(9_100), vswitch: 'VSW2' },
  } as never);
  await first.reached();
  const network = { type: 'trunk', segmentationIds: [1, 2, 3] };
  const wiring = await startWiring(
    zvm,
    wanted.map((port) => (port === refused ? { ...port, vswitch: 'NOBODY', network } : port)),
  );
  // The busy guest has both of them: it is not lent.
  await expect
    .poll(() => guestRun(zvm, busy?.userid ?? '').query<{ waiting: string[] }>('queue'))
    .toMatchObject({ waiting: [wiring.workflowId] });
  await first.release();
  await other.result();
  const result = await wiring.result();
  expect(result).toMatchObject({ wired: 3, unchanged: 1, refused: 1, failed: 0 });
  expect(result.ports.find(({ outcome }) => outcome === 'refused')?.userid).toBe(refused?.userid);
  expect(result.ports.find(({ outcome }) => outcome === 'unchanged')?.userid).toBe(right?.userid);
  expect(Object.keys((await zvm.guest(busy?.userid ?? '')).granted).sort()).toEqual(['VSW1', 'VSW2']);
  await nothingIsLeft(zvm);
});

test('a worker that is stopped while its window is at work leaves the guests to another', async (context) => {
  const own = await createEnvironment({ guests: 4 }, false);
  context.onTestFinished(() => own.close());
  const stops = await addWorker(own, context);
  const held = await own.hold(CONFIGURING, 'after');
  const wiring = await startWiring(
    own,
    [1, 2, 3].map((number) => portOf(number)),
  );
  await held.reached();
  const stopped = stops.stop();
  await addWorker(own, context);
  await stopped;
  await held.release();
  expect(await wiring.result()).toMatchObject({ wired: 3, unchanged: 0, failed: 0 });
  for (const number of [1, 2, 3]) expect(await isWhole(own, userid(number))).toBe('wired');
  await nothingIsLeft(own);
});
