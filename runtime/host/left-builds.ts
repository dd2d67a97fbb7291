import type { Client } from '@temporalio/client';
import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import type { Logger } from 'pino';
import { taskQueueOf } from '../../domain/host/host.ts';
import { answeringWorker } from './host-claim.ts';
import { currentBuild, deploymentOf, isMissing, makeCurrent, versionOf } from './worker-build.ts';

/** Temporal's own search attribute, `<deployment>:<build id>`. */
const DEPLOYMENT_VERSION = defineSearchAttributeKey('TemporalWorkerDeploymentVersion', SearchAttributeType.KEYWORD);

type PinnedRun = { workflowId: string; runId: string; buildId: string };

/** Looks after the builds of one host that have no worker any more. */
export type LeftBuilds = {
  /**
   * Let this process's build take what a build without a worker would keep for ever: new runs, and the runs that are pinned to it. A build counts as
   * left when it was silent in two looks, since a starved worker is late.
   */
  look(client: Client): Promise<void>;
};

/** Create the look at one host's builds. `own` is the build of this process, '' when its workers have no version. */
export function createLeftBuilds(host: string, own: string, logger: Logger): LeftBuilds {
  let silent = new Set<string>();
  return {
    async look(client) {
      const [current, runs] = await Promise.all([currentBuild(client, host), pinnedElsewhere(client, host, own)]);
      if (current === undefined) return own === '' ? undefined : makeCurrent(client, host, own);
      const asked = new Set(runs.map(({ buildId }) => buildId));
      if (current !== own) asked.add(current);
      const quiet = await silentOf(client, host, [...asked]);
      const left = new Set([...quiet].filter((buildId) => silent.has(buildId)));
      silent = quiet;
      if (current !== own && left.has(current)) {
        await makeCurrent(client, host, own);
        logger.warn(
          { host, build: own, before: current },
          'the current build had no worker: this build is current now',
        );
      }
      const stranded = runs.filter(({ buildId }) => left.has(buildId));
      for (const run of stranded) await release(client, run);
      if (stranded.length > 0)
        logger.warn(
          { host, builds: [...left], runs: stranded.length },
          'runs of builds without a worker continue on this build',
        );
    },
  };
}

/** Open runs of a host that are pinned to another build than this one. Temporal's list is a moment behind: the next look sees the rest. */
async function pinnedElsewhere(client: Client, host: string, own: string): Promise<PinnedRun[]> {
  const others = own === '' ? '' : ` AND ${DEPLOYMENT_VERSION.name} != "${deploymentOf(host)}:${own}"`;
  const pinned = `TemporalWorkflowVersioningBehavior = "Pinned"${others}`;
  const query = `TaskQueue = "${taskQueueOf(host)}" AND ExecutionStatus = "Running" AND ${pinned}`;
  const runs: PinnedRun[] = [];
  for await (const { workflowId, runId, typedSearchAttributes } of client.workflow.list({ query })) {
    const [, buildId] = (typedSearchAttributes.get(DEPLOYMENT_VERSION) ?? '').split(':');
    if (buildId !== undefined) runs.push({ workflowId, runId, buildId });
  }
  return runs;
}

async function silentOf(client: Client, host: string, buildIds: readonly string[]): Promise<Set<string>> {
  const silent = await Promise.all(
    buildIds.map(async (buildId) => {
      const version = buildId === '' ? undefined : versionOf(host, buildId);
      return (await answeringWorker(client, host, version)) === undefined ? [buildId] : [];
    }),
  );
  return new Set(silent.flat());
}

/** Let a run go on with the build that is current, from its next task on. */
async function release(client: Client, { workflowId, runId }: PinnedRun): Promise<void> {
  try {
    await client.workflowService.updateWorkflowExecutionOptions({
      namespace: client.options.namespace,
      workflowExecution: { workflowId, runId },
      workflowExecutionOptions: { versioningOverride: { autoUpgrade: true } },
      updateMask: { paths: ['versioning_override'] },
    });
  } catch (error) {
    // It has ended meanwhile.
    if (!isMissing(error)) throw error;
  }
}
