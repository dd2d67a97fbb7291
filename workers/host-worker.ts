import { fileURLToPath } from 'node:url';
import {
  bundleWorkflowCode,
  DefaultLogger,
  type NativeConnection,
  Worker,
  type WorkflowBundleWithSourceMap,
} from '@temporalio/worker';
import type { Logger } from 'pino';
import { createHostActivities } from '../activities/host-activities.ts';
import { createHostRuntime, type HostRuntime } from '../activities/host-runtime.ts';
import type { NeutronSource } from '../activities/neutron-source.ts';
import type { HostConfiguration } from '../configuration/configuration.ts';
import { AllowedVswitch, HostRules, taskQueueOf } from '../network/host.ts';
import { checkHost } from './host-check.ts';
import { type RenewableXcat, xcatOf } from './host-xcat.ts';

const AT_ONCE = 1_200;

/** A worker of one host, and the client it talks to xCAT with. */
export type HostWorker = { host: string; worker: Worker; xcat: RenewableXcat };

/** Bundle the workflows once for all workers of a process. */
export function bundleWorkflows(): Promise<WorkflowBundleWithSourceMap> {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  return bundleWorkflowCode({
    workflowsPath: fileURLToPath(new URL(`../workflows/index.${extension}`, import.meta.url)),
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

/** Create the worker of one host on its task queue, `zvm-<host>`. Run it with `worker.run()`; close the client after. */
export async function createHostWorker(
  configuration: HostConfiguration,
  connection: NativeConnection,
  namespace: string,
  workflowBundle: WorkflowBundleWithSourceMap,
  logger: Logger,
  neutron: NeutronSource | undefined,
  identity?: string,
): Promise<HostWorker> {
  const xcat = xcatOf(configuration, logger);
  const runtime = createHostRuntime(rulesOf(configuration), xcat, neutron);
  await checkHost(runtime, logger);
  const worker = await Worker.create({
    connection,
    namespace,
    taskQueue: taskQueueOf(configuration.host),
    ...(identity === undefined ? {} : { identity }),
    workflowBundle,
    activities: createHostActivities(runtime),
    // A reading within a workflow task holds its slot until xCAT has answered: many guests wait at once in a storm.
    maxConcurrentWorkflowTaskExecutions: AT_ONCE,
    maxConcurrentLocalActivityExecutions: AT_ONCE,
    maxConcurrentActivityTaskExecutions: AT_ONCE,
    // Else only every eighth second has one, and a busy machine is soon taken for a dead worker.
    maxHeartbeatThrottleInterval: '4 seconds',
    shutdownGraceTime: '30 seconds',
    shutdownForceTime: '60 seconds',
  });
  return { host: configuration.host, worker, xcat };
}
