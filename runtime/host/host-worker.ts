import { availableParallelism } from 'node:os';
import { setFlagsFromString } from 'node:v8';
import type { PayloadCodec, WorkerDeploymentVersion } from '@temporalio/common';
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
import { type HostConfiguration, serverUrlOf, shadowOf } from '../../configuration/load.ts';
import { defined } from '../../domain/defined.ts';
import { taskQueueOf } from '../../domain/host/host.ts';
import type { HostActivities } from '../../workflows/host-activities.ts';
import { webhooksOf } from '../notifications/webhook.ts';
import { observedWorker } from '../telemetry/observed-worker.ts';
import { backendOf, checkBackend, type RenewableBackend, rulesOf } from './host-backend.ts';
import { ENCODED_FAILURES } from './workflow-bundle.ts';

/** Activities wait for xCAT most of their time: many guests at once in a storm. */
const ACTIVITIES_AT_ONCE = 1_200;
// Workflow tasks only compute. A task that was taken waits for the CPU and times out, one at the server does not: a starved worker takes few.
const WORKFLOW_TASKS_OF_A_CORE = 10;
const MOST_WORKFLOW_TASKS = 100;
/**
 * Runs in memory, of all hosts of a process, some 0.3 MB each. Guests that are lent to a window sleep at the server. The SDK's default is for one worker that
 * has all memory of the machine. A run that was put out is replayed when it goes on.
 */
export const CACHED_RUNS = 300;
const LEAST_CACHED_RUNS = 20;
const HEAP_GROWTH_PERCENT = 50;

/**
 * Keep the heaps of this process, and of its threads that are started later, near what they hold. On a large machine V8 lets one grow fourfold before it
 * clears it, and a worker that waits most of its time has the CPU.
 */
export function keepHeapsSmall(): void {
  setFlagsFromString(`--heap-growing-percent=${HEAP_GROWTH_PERCENT}`);
}

/** A worker of one host, its way to z/VM, and the other way where one is configured. */
export type HostWorker = {
  host: string;
  worker: Worker;
  backend: RenewableBackend;
  /** Have the policy of a newly read configuration decide from now on. */
  renewPolicy(configuration: HostConfiguration): void;
  shadow: RenewableBackend | undefined;
};

/** The names by which Temporal knows a worker: its identity, and its build. */
type OwnName = { identity?: string | undefined; version?: WorkerDeploymentVersion | undefined };

/** The operators' word on the host. */
type Controlled = { control: ControlWatch };

/** The codec of payloads, where histories are encrypted. */
type Encryption = { codec?: PayloadCodec };

/** The most runs that the worker keeps in memory. */
type Sharing = { cachedRuns?: number };

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
  { identity, version, cachedRuns = CACHED_RUNS, codec, control }: OwnName & Sharing & Encryption & Controlled,
  wrap: (activities: HostActivities) => HostActivities = (activities) => activities,
): Promise<HostWorker> {
  const backend = backendOf(configuration, logger);
  const shadowed = shadowOf(configuration);
  const shadow = shadowed && backendOf(shadowed, logger);
  let { policy } = configuration;
  const runtime: HostRuntime = {
    rules: rulesOf(configuration),
    backend,
    gate: createWriteGate(configuration.host, backend, control),
    policy: () => policy,
    ...defined({ neutron, shadow }),
    webhooks: webhooksOf(configuration.webhooks ?? []),
    memberHosts: (client, members) => hostsOf(client, serverUrlOf(configuration), members),
    qosPolicies: new Map(),
  };
  await Promise.all([backend, shadow ?? []].flat().map((each) => checkBackend(each, configuration.host, logger)));
  const workflowTasks = Math.min(MOST_WORKFLOW_TASKS, WORKFLOW_TASKS_OF_A_CORE * availableParallelism());
  const options: WorkerOptions & { isolateExecutionTimeout: string } = {
    connection,
    namespace,
    taskQueue: taskQueueOf(configuration.host),
    ...defined({ identity, workerDeploymentOptions: version && pinnedTo(version) }),
    workflowBundle,
    ...(codec && { dataConverter: { payloadCodecs: [codec], failureConverterPath: ENCODED_FAILURES } }),
    ...observedWorker,
    activities: wrap(createHostActivities(runtime)),
    maxConcurrentWorkflowTaskExecutions: workflowTasks,
    maxConcurrentLocalActivityExecutions: workflowTasks,
    maxCachedWorkflows: Math.max(LEAST_CACHED_RUNS, cachedRuns),
    // The tasks of a window's guests come at the same moment. With the SDK's 10 seconds a starved worker loses some, and replays their runs for new ones.
    stickyQueueScheduleToStartTimeout: '20 seconds',
    maxConcurrentActivityTaskExecutions: ACTIVITIES_AT_ONCE,
    // A run that this build cannot replay ends, and the Schedule's next does its work. It would keep its place for ever, and every next run away.
    workflowFailureErrorTypes: { '*': [], reconcileHost: ['NondeterminismError'] },
    // Activities send few. One that the SDK holds back would replace what Temporal keeps by a later one.
    maxHeartbeatThrottleInterval: '1 second',
    shutdownGraceTime: '30 seconds',
    shutdownForceTime: '60 seconds',
    // The SDK takes it, and does not list it. With its 5 seconds a starved worker never ends a task with a thousand signals.
    isolateExecutionTimeout: '60 seconds',
  };
  const worker = await Worker.create(options);
  const renewPolicy = (changed: HostConfiguration) => {
    ({ policy } = changed);
  };
  return { host: configuration.host, worker, backend, renewPolicy, shadow };
}
