import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Stack, startStack } from '../demo/stack.ts';
import { defined } from '../domain/defined.ts';
import type { ReconcileTimes } from '../runtime/host/reconcile-schedule.ts';
import { bundleWorkflows } from '../runtime/host/workflow-bundle.ts';
import type { SimulatorOptions } from '../simulator/simulator.ts';
import { type Place, profilesIn } from './cpu-profile.ts';
import type { BenchOptions } from './options.ts';
import {
  type CpuTime,
  cpuBetween,
  cpuTimeOf,
  cpuTimeOfAll,
  memoryOfAll,
  startBusy,
  startProgram,
} from './processes.ts';

const MOST_PLACES = 15;

/** CPU seconds by process. Simulator and client are this process; Temporal is absent when its server is not ours. */
export type CpuByProcess = { worker: CpuTime; temporal?: CpuTime; simulatorAndClient: CpuTime };

/** A stack whose worker is a process of its own, or several processes. */
export type BenchStack = Stack & {
  /** CPU time since the call before, or since the start. */
  cpu(): Promise<CpuByProcess>;
  workerMemory(): ReturnType<typeof memoryOfAll>;
  /** End the worker; answers where its CPU time went, from its start, when it is profiled. */
  endWorker(): Promise<Place[]>;
  /** Start a worker again after its end; with times, its host gets a Schedule. */
  startWorker(reconcileTimes?: ReconcileTimes): Promise<void>;
};

/** The conditions of a stack. */
type Conditions = Pick<BenchOptions, 'latencyMs' | 'times' | 'busy' | 'profile' | 'workers'>;

/** Start Temporal, a simulator with so many hosts and guests, worker processes that share the hosts, and the busy processes beside them. */
export async function startBenchStack(
  { latencyMs, times, busy, profile, workers: workerCount }: Conditions,
  guestsPerHost: number,
  more: SimulatorOptions = {},
  hostCount = 1,
): Promise<BenchStack> {
  const smapi = { ...times, ...more };
  const stack = await startStack({
    ...{ hosts: hostCount, guestsPerHost, latencyMs, smapi, withoutWorkers: true },
    // The historic agent's calls, which are measured beside these, are grants.
    releases: ['6.3'],
    say: () => undefined,
    warn: (line) => process.stderr.write(`${line}\n`),
  });
  const folder = await mkdtemp(join(tmpdir(), 'networking-zvm-bench-'));
  const { hosts, target } = stack;
  // As cli/run.sh and a build do: bundling takes more memory than all else that a worker does.
  const bundleFile = join(folder, 'workflow-bundle.js');
  await writeFile(bundleFile, (await bundleWorkflows()).code);
  const where = { address: target.connection.address, namespace: target.namespace, bundleFile };
  const node = ['--max-semi-space-size=4', ...(profile ? ['--cpu-prof', `--cpu-prof-dir=${folder}`] : [])];
  const shares = Array.from({ length: Math.min(workerCount, hosts.length) }, (_, worker) =>
    hosts.filter((_host, index) => index % workerCount === worker),
  );
  const start = (reconcileTimes?: ReconcileTimes) =>
    Promise.all(
      shares.map((share) =>
        startProgram('bench/worker.ts', { ...where, hosts: share, ...defined({ reconcileTimes }) }, node),
      ),
    );
  let workers = await start().catch(async (error: unknown) => {
    await stack.stop();
    throw error;
  });
  const others = startBusy(busy);
  let endedWorker: Promise<unknown> | undefined;
  const end = () => {
    endedWorker ??= Promise.all(workers.map((worker) => worker.end()));
    return endedWorker;
  };
  const pids = () => workers.map(({ pid }) => pid);
  const now = async () => ({
    worker: await cpuTimeOfAll(pids()),
    ...(stack.temporalPid === undefined ? {} : { temporal: await cpuTimeOf(stack.temporalPid()) }),
    simulatorAndClient: await cpuTimeOf(process.pid),
  });
  let before: CpuByProcess = await now();
  return {
    ...stack,
    async cpu() {
      const [from, to] = [before, await now()];
      before = to;
      return {
        worker: cpuBetween(from.worker, to.worker),
        ...(from.temporal && to.temporal ? { temporal: cpuBetween(from.temporal, to.temporal) } : {}),
        simulatorAndClient: cpuBetween(from.simulatorAndClient, to.simulatorAndClient),
      };
    },
    workerMemory: () => memoryOfAll(pids()),
    async startWorker(reconcileTimes) {
      workers = await start(reconcileTimes);
      endedWorker = undefined;
      before = { ...(await now()), worker: { seconds: 0, threads: {} } };
    },
    async endWorker() {
      await end();
      return profile ? profilesIn(folder, MOST_PLACES) : [];
    },
    async stop() {
      await Promise.all(others.map((other) => other.end()));
      await end();
      await stack.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
