import type { WorkflowHandle } from '@temporalio/client';
import { createXcatClient } from '../backend/xcat/rest/client.ts';
import { reconcileRequest } from '../client/reconcile-now.ts';
import { runOf, startOperation } from '../client/start-operation.ts';
import { defined } from '../domain/defined.ts';
import type { ReconcileHostResult } from '../workflows/reconciliation-result.ts';
import { callsTo, firstOf, sequentialCalls } from './calls.ts';
import type { Place } from './cpu-profile.ts';
import type { BenchOptions } from './options.ts';
import { machineLoad } from './processes.ts';
import { type BenchStack, type CpuByProcess, startBenchStack } from './stack.ts';
import { fillHost, guestsFor } from './wired-host.ts';

const HOST = 'zvm1';
// A VSWITCH takes 2,048 connections. A host of this size has several; here one stands for all.
const MAX_PORTS = 100_000;
// The historic agent put a thousand grants into one script, more than the limit of a command (docs/reference/xcat.md 5).
const HISTORIC_BATCH = 500;
const PROGRESS_MS = 10_000;

type HistoryEvents = NonNullable<Awaited<ReturnType<WorkflowHandle['fetchHistory']>>['events']>;
type Measured = {
  calls: number;
  sequentialCalls: number;
  seconds: number;
  /** History of the reconciliation itself; that of the guest runs is not in it. */
  events: number;
  historyBytes: number;
  repaired: number;
  workerPeakMb: number;
  cpu: CpuByProcess;
};
type Historic = { calls: number; seconds: number };
/** A worker that starts while a reconciliation waits for it, on a host with drift: seconds to its first call, and to the first grant. */
type FirstWork = { toFirstCall: number; toFirstGrant: number; workerCpuSeconds: number };

export type ReconcileRun = {
  ports: number;
  guests: number;
  machine: { before: Load; after: Load };
  idle: Measured;
  drift1pct: Measured;
  /** Left out of a host that is too large for it. */
  reipl?: Measured;
  firstWork: FirstWork;
  /** The calls of the historic agent every two seconds and after a re-IPL. It does not notice drift. */
  historic: { idle: Historic; reipl?: Historic };
  /** Where the worker's JavaScript spent its time, when it is profiled. */
  profile: Place[];
};

type Load = ReturnType<typeof machineLoad>;

/**
 * Reconcile a host with so many ports: in order, with one guest in a hundred without its grant, and after a re-IPL. `workerPeakMb` is
 * the most memory that the worker has had so far. Throws an Error when a guest is not in order afterwards.
 */
export async function reconcileBench(
  ports: number,
  { mostRepaired, ...options }: Omit<BenchOptions, 'what' | 'sizes' | 'json'>,
  say: (line: string) => void,
): Promise<ReconcileRun> {
  const before = machineLoad();
  const guests = guestsFor(ports);
  const stack = await startBenchStack(options, guests, { maxPorts: MAX_PORTS });
  try {
    const host = fillHost(stack.simulator, ports);
    let last: ReconcileHostResult | undefined;
    const step = async (name: string): Promise<Measured> => {
      const { result, values } = await measured(stack, name, last, () =>
        say(`${ports} ports, ${name}: ${host.coupled()} of ${guests} guests have all NICs coupled`),
      );
      say(`${ports} ports, ${name}: ${values.calls} calls, ${values.seconds} s, ${values.repaired} repaired`);
      last = result;
      host.check();
      return values;
    };
    await step('first');
    const idle = await step('idle');
    host.drift();
    const drift1pct = await step('drift');
    const repairs = ports <= mostRepaired;
    if (repairs) host.reIpl();
    const reipl = repairs ? await step('reipl') : undefined;
    const historic = await historicCalls(stack, repairs ? host.userids : []);
    const profile = await stack.endWorker();
    host.drift();
    const firstWork = await firstWorkOf(stack, last);
    const runs = defined({ idle, drift1pct, reipl });
    return { ports, guests, machine: { before, after: machineLoad() }, ...runs, firstWork, historic, profile };
  } finally {
    await stack.stop();
  }
}

/** Start a worker beside a reconciliation that repairs something. */
async function firstWorkOf(stack: BenchStack, last: ReconcileHostResult | undefined): Promise<FirstWork> {
  const since = Date.now();
  await Promise.all([stack.startWorker(), reconcile(stack, 'start', last)]);
  const { worker } = await stack.cpu();
  const until = async (type: string) => ((await firstOf(type, stack.simulator.url, since)) ?? Number.NaN) - since;
  return {
    toFirstCall: (await until('http')) / 1_000,
    toFirstGrant: (await until('granted')) / 1_000,
    workerCpuSeconds: worker.seconds,
  };
}

async function measured(
  stack: BenchStack,
  name: string,
  last: ReconcileHostResult | undefined,
  show: () => void,
): Promise<{ result: ReconcileHostResult; values: Measured }> {
  const { simulator } = stack;
  const before = (await callsTo(simulator.url)).length;
  await stack.cpu();
  const shows = setInterval(show, PROGRESS_MS);
  try {
    const started = performance.now();
    const { result, ...run } = await reconcile(stack, name, last);
    const seconds = Math.round(performance.now() - started) / 1_000;
    const cpu = await stack.cpu();
    const calls = (await callsTo(simulator.url)).slice(before);
    const history = await historyOf(stack, run.workflowId, run.runId);
    const { peakMb } = await stack.workerMemory();
    const counts = { calls: calls.length, sequentialCalls: sequentialCalls(calls), seconds, repaired: result.repaired };
    return { result, values: { ...counts, ...history, workerPeakMb: peakMb, cpu } };
  } finally {
    clearInterval(shows);
  }
}

async function reconcile({ client }: BenchStack, name: string, last: ReconcileHostResult | undefined) {
  const from = defined({ last: last && { checkpoint: last.checkpoint, failures: last.failures } });
  const workflowId = `reconcile/${HOST}/${name}`;
  const run = await startOperation(client, reconcileRequest(HOST, false), { workflowId, besides: from });
  const result = await runOf(client, 'reconcileHost', run).result();
  if (result.failed > 0) throw new Error(`${result.failed} failed: ${result.failures[0]?.reason}`);
  return { workflowId, runId: run.runId, result };
}

/** The history of a run and of the runs that it continued as. */
async function historyOf({ client }: BenchStack, workflowId: string, firstRunId: string) {
  const total = { events: 0, historyBytes: 0 };
  for (let runId: string | undefined = firstRunId; runId !== undefined && runId !== ''; ) {
    const handle = client.workflow.getHandle(workflowId, runId);
    const events: HistoryEvents = (await handle.fetchHistory()).events ?? [];
    total.events += events.length;
    total.historyBytes += (await handle.describe()).historySize ?? 0;
    runId = events.at(-1)?.workflowExecutionContinuedAsNewEventAttributes?.newExecutionRunId ?? undefined;
  }
  return total;
}

async function historicCalls({ simulator }: BenchStack, userids: readonly string[]): Promise<ReconcileRun['historic']> {
  const options = { username: 'admin', password: 'admin', timeoutMs: 600_000, verifyTls: true };
  const { transport, close } = createXcatClient({ url: simulator.url, ...options, credentialsInQuery: false });
  const counted = async (work: () => Promise<unknown>): Promise<Historic> => {
    const before = (await callsTo(simulator.url)).length;
    const started = performance.now();
    await work();
    const seconds = Math.round(performance.now() - started) / 1_000;
    return { calls: (await callsTo(simulator.url)).length - before, seconds };
  };
  const dump = (table: string) => transport.request({ method: 'GET', path: `/tables/${table}` });
  const dsh = (command: string) =>
    transport.request({ method: 'PUT', path: '/nodes/zhcp1/dsh', body: [`command=${command}`] });
  try {
    const idle = await counted(() => dump('switch'));
    if (userids.length === 0) return { idle };
    const reipl = await counted(async () => {
      await dump('switch');
      await dump('zvm');
      for (let at = 0; at < userids.length; at += HISTORIC_BATCH) {
        const lines = userids.slice(at, at + HISTORIC_BATCH).map(grantLine);
        await dsh(`echo -e "#!/bin/sh\n${lines.join('\n')}" > grant.sh`);
        await dsh('sh grant.sh;rm -f grant.sh');
      }
    });
    return { idle, reipl };
  } finally {
    await close();
  }
}

function grantLine(userid: string): string {
  return `/opt/zhcp/bin/smcli Virtual_Network_Vswitch_Set_Extended -T ${userid} -k switch_name=VSW1 -k grant_userid=${userid} -k user_vlan_id=1001`;
}
