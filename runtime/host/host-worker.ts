import { fileURLToPath } from 'node:url';
import {
  bundleWorkflowCode,
  DefaultLogger,
  type NativeConnection,
  Worker,
  type WorkerOptions,
  type WorkflowBundleWithSourceMap,
} from '@temporalio/worker';
import type { Logger } from 'pino';
import { createHostActivities } from '../../activities/host-activities.ts';
import { createHostRuntime, type HostRuntime } from '../../activities/host-runtime.ts';
import type { NeutronSource } from '../../activities/neutron-source.ts';
import type { HostConfiguration } from '../../configuration/load.ts';
import { AllowedVswitch, HostRules, taskQueueOf } from '../../domain/host/host.ts';
import type { HostActivities } from '../../workflows/host-activities.ts';
import { checkHost } from './host-check.ts';
import { type RenewableXcat, xcatOf } from './host-xcat.ts';

/** Activities wait for xCAT most of their time: many guests at once in a storm. */
const ACTIVITIES_AT_ONCE = 1_200;
// Workflow tasks only compute: more of them at once are no faster, and each holds memory.
const WORKFLOW_TASKS_AT_ONCE = 100;

/** A worker of one host, and the client it talks to xCAT with. */
export type HostWorker = { host: string; worker: Worker; xcat: RenewableXcat };

/** Bundle the workflows once for all workers of a process. */
export function bundleWorkflows(): Promise<WorkflowBundleWithSourceMap> {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  return bundleWorkflowCode({
    workflowsPath: fileURLToPath(new URL(`../../workflows/index.${extension}`, import.meta.url)),
    payloadConverterPath: fileURLToPath(new URL(`../../workflows/untrusted-input.${extension}`, import.meta.url)),
    // The bundler reports every module at INFO.
    logger: new DefaultLogger('WARN'),
  });
}

/** The rules of a host from its configuration; throws a ZodError when a name in it cannot be one of z/VM. */
function rulesOf(configuration: HostConfiguration): HostRuntime['rules'] {
  return HostRules.omit({ macPrefix: true }).parse({
    host: configuration.host,
    zhcpNode: configuration.zhcpNode,
    vswitches: configuration.physicalNetworks.map(({ name, ...vswitch }) =>
      AllowedVswitch.parse({ physicalNetwork: name, ...vswitch }),
    ),
    ...(configuration.dhcpUserid === undefined ? {} : { dhcpUserid: configuration.dhcpUserid }),
    ...(configuration.dhcpHost === undefined ? {} : { dhcpHost: configuration.dhcpHost }),
    ...(configuration.managementNetwork === undefined ? {} : { managementNetwork: configuration.managementNetwork }),
    makeDns: configuration.makeDns,
    directoryOnline: configuration.directoryOnline,
    ...(configuration.macPrefix === undefined ? {} : { wantedMacPrefix: configuration.macPrefix }),
    firstVdev: configuration.defaultNicVdev.toString(16),
  });
}

/**
 * Create the worker of one host on its task queue, `zvm-<host>`. Run it with `worker.run()`; close the client after. `around` gives the
 * activities that it runs for those of the host: a test can hold one of them.
 */
export async function createHostWorker(
  configuration: HostConfiguration,
  connection: NativeConnection,
  namespace: string,
  workflowBundle: WorkflowBundleWithSourceMap,
  logger: Logger,
  neutron: NeutronSource | undefined,
  identity?: string,
  around: (activities: HostActivities) => HostActivities = (activities) => activities,
): Promise<HostWorker> {
  const xcat = xcatOf(configuration, logger);
  const runtime = createHostRuntime(rulesOf(configuration), xcat, neutron);
  await checkHost(runtime, logger);
  const options: WorkerOptions & { isolateExecutionTimeout: string } = {
    connection,
    namespace,
    taskQueue: taskQueueOf(configuration.host),
    ...(identity === undefined ? {} : { identity }),
    workflowBundle,
    activities: around(createHostActivities(runtime)),
    maxConcurrentWorkflowTaskExecutions: WORKFLOW_TASKS_AT_ONCE,
    maxConcurrentLocalActivityExecutions: WORKFLOW_TASKS_AT_ONCE,
    maxConcurrentActivityTaskExecutions: ACTIVITIES_AT_ONCE,
    // Else only every eighth second has one, and a busy machine is soon taken for a dead worker.
    maxHeartbeatThrottleInterval: '4 seconds',
    shutdownGraceTime: '30 seconds',
    shutdownForceTime: '60 seconds',
    // The SDK takes it, and does not list it. With its 5 seconds a starved worker never ends a task with a thousand signals.
    isolateExecutionTimeout: '60 seconds',
  };
  const worker = await Worker.create(options);
  return { host: configuration.host, worker, xcat };
}
