import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Client, isGrpcServiceError, ServiceError } from '@temporalio/client';
import type { WorkerDeploymentVersion } from '@temporalio/common';
import { packageVersion } from '../../command-line/program.ts';
import { messageOf } from '../../domain/text/error-message.ts';

/** gRPC's codes, as far as they say something of versioning. */
const INVALID_ARGUMENT = 3;
const NOT_FOUND = 5;
const PERMISSION_DENIED = 7;
const FAILED_PRECONDITION = 9;
const UNIMPLEMENTED = 12;

const WITHOUT_VERSIONS: readonly number[] = [INVALID_ARGUMENT, PERMISSION_DENIED, UNIMPLEMENTED];

const REGISTERED_MS = 60_000;
const REGISTERED_PAUSE_MS = 200;
const SOURCE_MAP = /\n\/\/# sourceMappingURL=.*/;

/** Temporal does not let a worker's build take work. */
export class BuildNotTaken extends Error {
  override readonly name = 'BuildNotTaken';
}

/**
 * The build id of a process: the version of the package, and a hash of the workflows. Activities do not count: a run replays workflow code alone,
 * and an activity that was mended is to serve the operations that wait for it. The source map has paths of this machine, and is left out.
 */
export function buildIdOf({ code }: { code: string }): string {
  const hash = createHash('sha256').update(code.replace(SOURCE_MAP, '')).digest('hex');
  return `${packageVersion()}-${hash.slice(0, 12)}`;
}

/** The name of a host's deployment. Temporal allows neither dot nor colon in it, and a host's name has no slash. */
export function deploymentOf(host: string): string {
  return `networking-zvm/${host.replaceAll('.', '/')}`;
}

/** A build of a host's worker, as Temporal names it. */
export function versionOf(host: string, buildId: string): WorkerDeploymentVersion {
  return { deploymentName: deploymentOf(host), buildId };
}

/** True when the server knows versions of workers and lists runs by them, and this namespace may have them. */
export async function knowsVersions(client: Client): Promise<boolean> {
  const { namespace } = client.options;
  try {
    await client.workflowService.listWorkerDeployments({ namespace, pageSize: 1 });
    await client.workflow.count(
      `TemporalWorkflowVersioningBehavior = "Pinned" AND TemporalWorkerDeploymentVersion = ""`,
    );
    return true;
  } catch (error) {
    const cause = error instanceof ServiceError ? error.cause : error;
    if (isGrpcServiceError(cause) && WITHOUT_VERSIONS.includes(cause.code)) return false;
    throw error;
  }
}

/**
 * Let new runs of a host begin with this build, '' for workers without versions. Its worker has to ask for work already. Throws BuildNotTaken
 * when the server has not taken it within a minute.
 */
export async function makeCurrent(client: Client, host: string, buildId: string): Promise<void> {
  const deadline = performance.now() + REGISTERED_MS;
  for (;;) {
    try {
      await client.workflowService.setWorkerDeploymentCurrentVersion({
        namespace: client.options.namespace,
        deploymentName: deploymentOf(host),
        buildId,
        ignoreMissingTaskQueues: true,
      });
      return;
    } catch (error) {
      if (buildId === '' && isMissing(error)) return;
      if (performance.now() > deadline)
        throw new BuildNotTaken(
          `Temporal refuses build ${buildId} of host ${host}: ${reasonOf(error)}. A namespace has at most matching.maxDeployments hosts ` +
            '(temporal-config/production/dynamic-config.yaml). Raise it, or set worker_versioning = false',
        );
    }
    await sleep(REGISTERED_PAUSE_MS);
  }
}

/**
 * The build with which new runs of a host begin, '' for workers without versions. Undefined when this server was never told one, as after its
 * database was made anew.
 */
export async function currentBuild(client: Client, host: string): Promise<string | undefined> {
  const { namespace } = client.options;
  try {
    const { workerDeploymentInfo } = await client.workflowService.describeWorkerDeployment({
      namespace,
      deploymentName: deploymentOf(host),
    });
    const { currentDeploymentVersion, currentVersionChangedTime } = workerDeploymentInfo?.routingConfig ?? {};
    return currentVersionChangedTime ? (currentDeploymentVersion?.buildId ?? '') : undefined;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/** True of an answer that says that there is no such deployment, build or run. */
export function isMissing(error: unknown): boolean {
  return isGrpcServiceError(error) && [NOT_FOUND, FAILED_PRECONDITION].includes(error.code);
}

function reasonOf(error: unknown): string {
  if (isGrpcServiceError(error)) return error.details;
  return messageOf(error);
}
