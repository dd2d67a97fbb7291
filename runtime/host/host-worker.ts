import { availableParallelism } from 'node:os';
import type { WorkerDeploymentVersion } from '@temporalio/common';
import {
  type NativeConnection,
  Worker,
  type WorkerDeploymentOptions,
  type WorkerOptions,
  type WorkflowBundleWithSourceMap,
} from '@temporalio/worker';
import type { Logger } from 'pino';
import { createHostActivities } from '../../activities/host-activities.ts';
import type { HostRuntime, NeutronSource } from '../../activities/host-runtime.ts';
import { type ControlWatch, createWriteGate } from '../../activities/write-gate.ts';
import { hostsOf } from '../../client/worker-identity.ts';
import { type HostConfiguration, serverUrlOf } from '../../configuration/load.ts';
import { defined } from '../../domain/defined.ts';
import { taskQueueOf } from '../../domain/host/host.ts';
import type { HostActivities } from '../../workflows/host-activities.ts';
import { observedWorker } from '../telemetry/observed-worker.ts';
import { backendOf, checkBackend, type RenewableBackend, rulesOf } from './host-backend.ts';

/** Activities wait for xCAT most of their time: many guests at once in a storm. */
const ACTIVITIES_AT_ONCE = 1_200;
// Workflow tasks only compute. A task that was taken waits for the CPU and times out, one at the server does not: a starved worker takes few.
const WORKFLOW_TASKS_OF_A_CORE = 10;
const MOST_WORKFLOW_TASKS = 100;
/**
 * Runs in memory, of all hosts of a process: 400 open operations with the runs of their guests. The SDK's default is for one worker that has all
 * memory of the machine. A run that was put out is replayed when it goes on.
 */
const RUNS_IN_MEMORY = 800;
const LEAST_RUNS_IN_MEMORY = 100;

/** A worker of one host, and its way to z/VM. */
export type HostWorker = { host: string; worker: Worker; backend: RenewableBackend };

/** The names by which Temporal knows a worker: its identity, and its build. */
type OwnName = { identity?: string | undefined; version?: WorkerDeploymentVersion | undefined };

/** The operators' word on the host. */
type Controlled = { control: ControlWatch };

/** How many hosts share the memory of the process; one by default. */
type Sharing = { hostsOfProcess?: number };

/** Runs keep to the build that they began with, unless their workflow says otherwise (workflows/index.ts). */
function pinnedTo(version: WorkerDeploymentVersion): WorkerDeploymentOptions {
  return { version, useWorkerVersioning: true, defaultVersioningBehavior: 'PINNED' };
}

/**
 * Create the worker of one host on its task queue, `zvm-<host>`. Run it with `worker.run()`; close the backend after. `wrap` gives the
 * activities that it runs for those of the host: a test can hold one of them. With a `version` it gets work once its build is the current one.
 */
export async function createHostWorker(
  configuration: HostConfiguration,
  connection: NativeConnection,
  namespace: string,
  workflowBundle: WorkflowBundleWithSourceMap,
  logger: Logger,
  neutron: NeutronSource | undefined,
  { identity, version, hostsOfProcess = 1, control }: OwnName & Sharing & Controlled,
  wrap: (activities: HostActivities) => HostActivities = (activities) => activities,
): Promise<HostWorker> {
  const backend = backendOf(configuration, logger);
  const runtime: HostRuntime = {
    rules: rulesOf(configuration),
    backend,
    gate: createWriteGate(configuration.host, backend, control),
    ...defined({ neutron }),
    memberHosts: (client, members) => hostsOf(client, serverUrlOf(configuration), members),
    qosPolicies: new Map(),
  };
  await checkBackend(backend, configuration.host, logger);
  const workflowTasks = Math.min(MOST_WORKFLOW_TASKS, WORKFLOW_TASKS_OF_A_CORE * availableParallelism());
  const options: WorkerOptions & { isolateExecutionTimeout: string } = {
    connection,
    namespace,
    taskQueue: taskQueueOf(configuration.host),
    ...defined({ identity, workerDeploymentOptions: version && pinnedTo(version) }),
    workflowBundle,
    ...observedWorker,
    activities: wrap(createHostActivities(runtime)),
    maxConcurrentWorkflowTaskExecutions: workflowTasks,
    maxConcurrentLocalActivityExecutions: workflowTasks,
    maxCachedWorkflows: Math.max(LEAST_RUNS_IN_MEMORY, Math.floor(RUNS_IN_MEMORY / hostsOfProcess)),
    maxConcurrentActivityTaskExecutions: ACTIVITIES_AT_ONCE,
    // Else only every eighth second has one, and a busy machine is soon taken for a dead worker.
    maxHeartbeatThrottleInterval: '4 seconds',
    shutdownGraceTime: '30 seconds',
    shutdownForceTime: '60 seconds',
    // The SDK takes it, and does not list it. With its 5 seconds a starved worker never ends a task with a thousand signals.
    isolateExecutionTimeout: '60 seconds',
  };
  const worker = await Worker.create(options);
  return { host: configuration.host, worker, backend };
}
