import { randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, Connection } from '@temporalio/client';
import { z } from 'zod';
import { messageOf } from '../command-line/program.ts';
import { NAMESPACE } from '../temporal-config/names.ts';
import { acceptedOperations, countGuestRuns, countOpenOperations, openWorkflows, unknownTo } from './collect.ts';
import { type FaultName, Faults, faultsOf } from './faults.ts';
import { withFeilongsRows } from './feilong-rows.ts';
import { Load } from './load.ts';
import { type Backend, type GuestPlace, HOST, layOut, TASK_QUEUE, ZHCP_NODE } from './places.ts';
import { stuckGuests } from './probe.ts';
import { until } from './processes.ts';
import { type Random, randomFrom } from './random.ts';
import { type Report, reportOf } from './report.ts';
import { RequestPlan } from './requests.ts';
import { type Stack, startStack } from './stack.ts';
import { judge } from './verdict.ts';
import { byHttp, byTemporal, byZvmnet } from './ways.ts';

export type RunOptions = {
  seed: number;
  minutes: number;
  /** The limit of requested operations. */
  operations: number;
  guests: number;
  backend: Backend;
  /** The average number of requested operations in a second. */
  rate: number;
  /** The number of open operations above which only bursts are sent. */
  mostOpen: number;
  /** The average time of a call to the management node. */
  latencyMs: number;
  /** The time limit for all operations to end, after everything is restored. */
  settleMinutes: number;
  faults: readonly FaultName[];
  /** True to have the requests of a guest wait for each other. */
  serial: boolean;
  /** True to keep the logs of the processes. */
  keepFolder: boolean;
  say(line: string): void;
};

const BEGIN_MS = 120_000;
const PROBE_MS = 120_000;
/** The time without an ended operation after which the wait is given up. */
const STALLED_MS = 150_000;
const COUNT_MS = 2_000;
const LOOK_MS = 2_000;

/** One run: start all processes, disturb them under load, repair, wait, and judge. All processes are ended in any case. */
export async function run(options: RunOptions, cancelled: AbortSignal): Promise<Report> {
  const { seed, say } = options;
  const random = randomFrom(seed);
  const guests = layOut(options.guests, options.backend);
  const stack = await startStack(options);
  const interrupted = new Promise<never>((_resolve, reject) => {
    const interrupt = () => reject(new Error('the run was interrupted'));
    if (cancelled.aborted) interrupt();
    else cancelled.addEventListener('abort', interrupt, { once: true });
  });
  interrupted.catch(() => {});
  try {
    // The client is not closed: pending calls may retry until the program ends.
    const connection = await Connection.connect({ address: stack.temporal.address });
    const client = new Client({ connection, namespace: NAMESPACE });
    return await Promise.race([runOn({ stack, client, connection, guests, options }, random), interrupted]);
  } catch (error) {
    say(`the run cannot be judged; Temporal's process ${stack.temporal.lives ? 'is alive' : 'has ended'}`);
    throw error;
  } finally {
    await stack.stop();
    say('all processes have ended');
    if (options.keepFolder) say(`the logs of the processes are in ${stack.folder}`);
  }
}

/** The parts of a run. */
type Running = {
  stack: Stack;
  client: Client;
  connection: Connection;
  guests: readonly GuestPlace[];
  options: RunOptions;
};

async function runOn(running: Running, random: Random): Promise<Report> {
  const { stack, client, options } = running;
  const { say, settleMinutes } = options;
  let isOver = false;
  const plan = new RequestPlan(random.branch('requests'), running.guests);
  const load = newLoad(running, plan, random, () => isOver);
  await wireFirstPorts(running, plan, load);
  const faults = new Faults({
    stack,
    load,
    random: random.branch('faults'),
    names: faultsOf(options.backend, options.faults),
    say,
  });
  await disturbedLoad(load, faults, options);
  const back = performance.now();
  const limitMs = settleMinutes * 60_000;
  await Promise.race([load.answered(), sleep(limitMs, undefined, { ref: false })]);
  isOver = true;
  const settled = await settle(client, limitMs, say);
  const settledSeconds = Math.round((performance.now() - back) / 1_000);
  say(
    settled
      ? `all operations have ended after ${settledSeconds} s`
      : `after ${settledSeconds} s some operations have not ended`,
  );
  return judged(running, load, faults, settledSeconds);
}

async function wireFirstPorts({ stack, client, guests, options }: Running, plan: RequestPlan, load: Load) {
  for (const { userid } of guests) await stack.control.send('POST', `systems/${ZHCP_NODE}/guests/${userid}/logon`);
  await load.begin(plan.first());
  if (!(await until(async () => (await openWorkflows(client)).length === 0, BEGIN_MS)))
    throw new Error('the first ports were not wired in time');
  options.say(`${load.accepted.length} ports are wired; the load begins`);
}

/** Run load and disturbances in parallel, and restore everything at the end. */
async function disturbedLoad(load: Load, faults: Faults, { minutes, say }: RunOptions): Promise<void> {
  let isOver = false;
  const disturbing = faults.run(() => isOver);
  await load.run(minutes * 60_000);
  isOver = true;
  await disturbing;
  await faults.putRight();
  say(`everything is restored; ${load.total} operations were requested`);
}

async function judged(running: Running, load: Load, faults: Faults, settledSeconds: number): Promise<Report> {
  const { stack, client, connection, guests, options } = running;
  const open = await openWorkflows(client);
  const drifted = open.length > 0 ? null : await driftedGuests(client, options.say);
  const operations = await acceptedOperations(client, connection);
  const guestRuns = await countGuestRuns(client);
  const [simulator, events, counters] = await Promise.all([
    stack.control.state().then((state) => withFeilongsRows(state, stack.feilong, guests)),
    stack.control.events(),
    stack.control.counters(),
  ]);
  const known = new Set(operations.map(({ workflowId }) => workflowId));
  const unseen = load.accepted.map(({ workflowId }) => workflowId).filter((workflowId) => !known.has(workflowId));
  const lost = await unknownTo(client, unseen);
  const stuck = [...(await stuckGuests(client, guests, PROBE_MS)), ...load.errors];
  const evidence = { guests, operations, simulator, events, zhcp: ZHCP_NODE, open, lost, stuck };
  if (options.keepFolder) await writeFile(join(stack.folder, 'evidence.json'), JSON.stringify(evidence));
  const verdict = judge(evidence);
  const services = [...stack.workers, ...stack.gateways.map(({ service }) => service)];
  return reportOf(verdict, operations, {
    seed: options.seed,
    guestRuns,
    sent: load.sent,
    unanswered: load.total - load.accepted.length,
    cancels: load.cancels,
    reconciliations: load.reconciliations,
    faults: faults.done,
    endedByThemselves: services.reduce((sum, service) => sum + service.endedByItself, 0),
    temporalBackMs: stack.temporal.backAfter.slice(1),
    settledSeconds,
    drifted,
    ...counters,
  });
}

function newLoad({ stack, client, options }: Running, plan: RequestPlan, random: Random, isOver: () => boolean): Load {
  const { rate, operations, mostOpen, serial, say } = options;
  const urls = stack.gateways.map(({ url }) => url);
  return new Load({
    plan,
    random: random.branch('load'),
    ways: {
      http: byHttp(urls, random.branch('http'), isOver),
      temporal: byTemporal(client, isOver),
      zvmnet: byZvmnet(stack.env, stack.folder),
    },
    client,
    gateway: urls[0] ?? '',
    rate,
    most: operations,
    mostOpen,
    serial,
    countOpen: () => client.withDeadline(Date.now() + COUNT_MS, () => countOpenOperations(client)),
    say,
  });
}

/** Wait until nothing is open. False after the time limit, or when nothing has ended for a while. */
async function settle(client: Client, limitMs: number, say: (line: string) => void): Promise<boolean> {
  const limit = performance.now() + limitMs;
  let open = Number.POSITIVE_INFINITY;
  let lastEndAt = performance.now();
  while (performance.now() < limit && performance.now() < lastEndAt + STALLED_MS) {
    const listed = await openWorkflows(client).catch((error: unknown) => say(`open workflows: ${String(error)}`));
    const left = listed?.length ?? open;
    if (left === 0) return true;
    if (left < open) {
      say(`${left} workflows are open`);
      open = left;
      lastEndAt = performance.now();
    }
    await sleep(LOOK_MS);
  }
  return false;
}

const Reconciliation = z.object({ drifted: z.number(), drifts: z.array(z.string()) });

/** The drift found by a dry run of reconciliation. Null when the run does not end. */
async function driftedGuests(client: Client, say: (line: string) => void): Promise<number | null> {
  const started = {
    taskQueue: TASK_QUEUE,
    workflowId: `own/look/${randomUUID()}`,
    args: [{ host: HOST, dryRun: true }],
  };
  try {
    const handle = await client.workflow.start('reconcileHost', started);
    const result = await Promise.race([handle.result(), sleep(PROBE_MS, undefined, { ref: false })]);
    const { drifted, drifts } = Reconciliation.parse(result);
    for (const line of drifts) say(`drifted: ${line}`);
    return drifted;
  } catch (error) {
    say(`the dry run of reconciliation failed: ${messageOf(error)}`);
    return null;
  }
}
