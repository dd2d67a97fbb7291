import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Stack, startStack } from '../demo/stack.ts';
import type { SimulatorOptions } from '../simulator/simulator.ts';
import { type Place, profilesIn } from './cpu-profile.ts';
import type { BenchOptions } from './options.ts';
import { type CpuTime, cpuBetween, cpuTimeOf, peakMemoryOf, startBusy, startProgram } from './processes.ts';

const MOST_PLACES = 15;

/** CPU seconds by process. Simulator and client are this process; Temporal is absent when its server is not ours. */
export type CpuByProcess = { worker: CpuTime; temporal?: CpuTime; simulatorAndClient: CpuTime };

/** A stack whose worker is a process of its own. */
export type BenchStack = Stack & {
  /** CPU time since the call before, or since the start. */
  cpu(): Promise<CpuByProcess>;
  workerPeakMb(): Promise<number>;
  /** End the worker; answers where its CPU time went, from its start, when it is profiled. */
  endWorker(): Promise<Place[]>;
};

/** Start Temporal, a simulator with so many guests, one worker, and the busy processes beside them. */
export async function startBenchStack(
  { latencyMs, times, busy, profile }: Pick<BenchOptions, 'latencyMs' | 'times' | 'busy' | 'profile'>,
  guestsPerHost: number,
  more: SimulatorOptions = {},
): Promise<BenchStack> {
  const smapi = { ...times, ...more };
  const stack = await startStack({
    ...{ hosts: 1, guestsPerHost, latencyMs, smapi, withoutWorkers: true },
    say: () => undefined,
  });
  const folder = await mkdtemp(join(tmpdir(), 'networking-zvm-bench-'));
  const { hosts, target } = stack;
  const where = { hosts, address: target.connection.address, namespace: target.namespace };
  const node = profile ? ['--cpu-prof', `--cpu-prof-dir=${folder}`] : [];
  const worker = await startProgram('bench/worker.ts', where, node).catch(async (error: unknown) => {
    await stack.stop();
    throw error;
  });
  const others = startBusy(busy);
  let endedWorker: Promise<void> | undefined;
  const end = () => {
    endedWorker ??= worker.end();
    return endedWorker;
  };
  const now = async () => ({
    worker: await cpuTimeOf(worker.pid),
    ...(stack.temporalPid === undefined ? {} : { temporal: await cpuTimeOf(stack.temporalPid) }),
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
    workerPeakMb: () => peakMemoryOf(worker.pid),
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
