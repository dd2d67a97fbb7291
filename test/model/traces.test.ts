import { randomInt } from 'node:crypto';
import type { WorkflowHandle } from '@temporalio/client';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { localTarget } from '../../client/temporal-connection.ts';
import { taskQueueOf } from '../../domain/host/host.ts';
import { missingPrograms, simulate } from '../../model/search.ts';
import { chooseTraces, type Move, parseTrace, type Trace } from '../../model/trace.ts';
import { createHostWorker } from '../../runtime/host/host-worker.ts';
import { watchLostGuestRuns } from '../../runtime/host/lost-guest-runs.ts';
import { connectWorkers } from '../../runtime/process/temporal-connection.ts';
import { ZVM_USERID } from '../../temporal-config/search-attributes.ts';
import type { HostActivities } from '../../workflows/host-activities.ts';
import { FREE } from '../activities/free-control.ts';
import { bundledWorkflows } from '../bundled-workflows.ts';
import { createEnvironment, type Environment, portId, vlan } from '../workflows/environment.ts';
import { startRun } from '../workflows/start.ts';

const TRACES = 10;
const SEEDS = 60;
const VSWITCHES = ['VSW1', 'VSW2', 'VSWFLAT'];
const missing = await missingPrograms();

type Enqueued = Parameters<HostActivities['enqueueRequests']>[0];
type Gate = { opened: PromiseWithResolvers<void>; input: Enqueued | undefined };

/** Operations by Workflow ID, each held before it enters its guest's queue. */
const gates = new Map<string, Gate>();
let zvm: Environment;
let stop: () => Promise<void>;

beforeAll(async () => {
  zvm = await createEnvironment({ guests: TRACES + 2 }, false);
  const target = localTarget(inject('temporalAddress'), inject('temporalNamespace'));
  const [{ connection }, bundle] = await Promise.all([connectWorkers(target), bundledWorkflows()]);
  const wrap = (activities: HostActivities): HostActivities => ({
    ...activities,
    enqueueRequests: async (input) => {
      const gate = gates.get(input.requests[0]?.request.operation.workflowId ?? '');
      if (gate !== undefined) {
        gate.input = input;
        await gate.opened.promise;
      }
      await activities.enqueueRequests(input);
    },
  });
  const { worker, backend } = await createHostWorker(
    zvm.configuration,
    connection,
    target.namespace,
    bundle,
    pino({ level: 'silent' }),
    undefined,
    { control: FREE },
    wrap,
  );
  const running = worker.run();
  const ended = new AbortController();
  // As in each worker of the product: a terminated guest run gives no answers.
  const watch = watchLostGuestRuns(zvm.client, zvm.host, pino({ level: 'silent' }), ended.signal);
  stop = async () => {
    ended.abort();
    await watch;
    worker.shutdown();
    await running;
    await backend.close();
    await connection.close();
  };
});
afterAll(async () => {
  await stop?.();
  await zvm?.close();
});

/** One guest, its ports, and the operations of a trace. */
class Played {
  readonly #trace: Trace;
  readonly #userid: string;
  readonly #ids: string[];
  readonly operations = new Map<number, WorkflowHandle>();

  constructor(trace: Trace, number: number) {
    this.#trace = trace;
    this.#userid = `LNX1${String(number).padStart(4, '0')}`;
    this.#ids = [0, 1].map((port) => portId(number * 10 + port));
  }

  async prepare(): Promise<void> {
    for (const [port, id] of this.#ids.entries())
      await zvm.run('createPort', {
        ...{ userid: this.#userid, portId: id, vswitch: VSWITCHES[port], network: vlan(100) },
      });
    await this.#guestRun().result();
  }

  async move(move: Move): Promise<void> {
    if (move.move === 'terminateRun') await this.#guestRun().terminate('a trace').catch(ignored);
    if (!('operation' in move)) return;
    const operation = this.operations.get(move.operation);
    if (move.move === 'accept') await this.#accept(move.operation);
    else if (move.move === 'arrive') this.arrive(move.operation);
    else if (move.move === 'cancel') await operation?.cancel().catch(ignored);
    else if (move.move === 'terminate') await operation?.terminate('a trace').catch(ignored);
    else if (move.move === 'repeat') await this.#repeat(operation?.workflowId ?? '');
  }

  arrive(operation: number): void {
    gates.get(this.operations.get(operation)?.workflowId ?? '')?.opened.resolve();
  }

  /** Operations whose word was carried out, in order, by the results of the guest's runs. */
  async carriedOut(): Promise<number[]> {
    const runs: { startTime: Date; runId: string }[] = [];
    const query = `WorkflowType = "convergeGuest" AND ${ZVM_USERID.name} = "${this.#userid}" AND TaskQueue = "${taskQueueOf(zvm.host)}"`;
    for await (const run of zvm.client.workflow.list({ query })) runs.push(run);
    const ids = new Map([...this.operations].map(([operation, { workflowId }]) => [workflowId, operation]));
    const done: number[] = [];
    for (const { runId } of runs.toSorted((one, other) => one.startTime.getTime() - other.startTime.getTime())) {
      const handle = zvm.client.workflow.getHandle(this.#guestRun().workflowId, runId);
      const result = (await handle.result().catch(() => ({ requests: [] }))) as {
        requests: { operation: string; outcome: string }[];
      };
      for (const { operation, outcome } of result.requests)
        if (outcome === 'changed' || outcome === 'unchanged') done.push(...[ids.get(operation) ?? []].flat());
    }
    return done;
  }

  async vlans(): Promise<(number | undefined)[]> {
    const { granted } = await zvm.guest(this.#userid);
    return [0, 1].map((port) => granted[VSWITCHES[port] ?? '']?.[0]);
  }

  async isIdle(): Promise<boolean> {
    return this.#guestRun()
      .describe()
      .then(({ status }) => status.name !== 'RUNNING');
  }

  async #accept(operation: number): Promise<void> {
    const subject = `${this.#userid}/${operation}`;
    gates.set(`change-vlan/${zvm.host}/${subject}`, { opened: Promise.withResolvers<void>(), input: undefined });
    const request = {
      ...{ host: zvm.host, userid: this.#userid, portId: this.#ids[this.#trace.ports[operation] ?? 0] },
      network: vlan(vlanOf(operation)),
    };
    this.operations.set(operation, await startRun(zvm.client, 'changeVlan', request as never, subject));
  }

  async #repeat(workflowId: string): Promise<void> {
    const [first] = gates.get(workflowId)?.input?.requests ?? [];
    if (first === undefined) return;
    await zvm.client.workflow.signalWithStart('convergeGuest', {
      ...{ taskQueue: taskQueueOf(zvm.host), workflowId: this.#guestRun().workflowId },
      args: [{ host: zvm.host, userid: this.#userid }],
      signal: 'enqueue',
      signalArgs: [first.request],
    });
  }

  #guestRun(): WorkflowHandle {
    return zvm.client.workflow.getHandle(`guest/${zvm.host}/${this.#userid}`);
  }
}

const vlanOf = (operation: number) => 201 + operation;
const ignored = () => undefined;

describe.skipIf(missing.length > 0)('the workflows, driven by what may happen in the model of the queue,', () => {
  test('carry words out in the order of acceptance, end each operation, and leave the last word', async () => {
    const first = randomInt(10_000);
    process.stderr.write(`traces from seed ${first}\n`);
    const all: Trace[] = [];
    for (let seed = first; seed < first + SEEDS; seed += 1)
      all.push(parseTrace(seed, await simulate(seed, { LAG: 0, TROUBLES: 2 })));
    const traces = chooseTraces(all, TRACES);
    await Promise.all(traces.map((trace, index) => play(trace, index + 1)));
  }, 600_000);
});

async function play(trace: Trace, number: number): Promise<void> {
  const played = new Played(trace, number);
  await played.prepare();
  for (const move of trace.moves) await played.move(move);
  for (const operation of played.operations.keys()) played.arrive(operation);
  await Promise.allSettled([...played.operations.values()].map((operation) => operation.result()));
  await expect.poll(() => played.isIdle(), { message: `seed ${trace.seed}: the guest is free` }).toBe(true);
  const done = await played.carriedOut();
  const isLost = trace.moves.some(({ move }) => move === 'terminateRun');
  if (!isLost) expect(done, `seed ${trace.seed}: in order`).toEqual(done.toSorted());
  for (const port of [0, 1]) {
    const words = done.filter((operation) => trace.ports[operation] === port);
    expect(words, `seed ${trace.seed}: port ${port} in order`).toEqual(words.toSorted());
    const last = words.at(-1);
    // A run that was terminated half-way may leave a word that its operation was told of as lost.
    if (!isLost)
      expect((await played.vlans())[port], `seed ${trace.seed}: port ${port}`).toBe(
        last === undefined ? 100 : vlanOf(last),
      );
  }
}
