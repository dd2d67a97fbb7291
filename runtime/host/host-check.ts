import type { Logger } from 'pino';
import type { HostRuntime } from '../../activities/host-runtime.ts';
import { MINIMUM_XCAT_VERSION } from '../../backend/xcat/rest/client.ts';

// A management node that is down must not keep the worker from starting: workflows wait for it by themselves.
const LONGEST_MS = 15_000;

/**
 * Before a host's worker starts: read xCAT's version and say when it is older than what this project is made for, and look the zHCP's
 * userid up, which every reading needs, and the management node's own. What cannot be read now is warned of, no more.
 */
export async function checkHost({ rules, xcat, zhcp }: HostRuntime, logger: Logger): Promise<void> {
  const { host, zhcpNode } = rules;
  const signal = AbortSignal.timeout(LONGEST_MS);
  const checks = [
    async () => {
      const { version, supported } = await xcat.checkVersion({ signal });
      if (supported) logger.info({ host, version }, 'xCAT answers');
      else
        logger.error({ host, version }, `this xCAT is older than ${MINIMUM_XCAT_VERSION}: update the management node`);
    },
    async () => {
      logger.debug({ host, node: await xcat.managementNode({ signal }) }, 'management node found');
    },
    async () => {
      logger.info({ host, zhcpNode, userid: await zhcp.get() }, 'zHCP found');
    },
  ];
  const settled = await Promise.allSettled(checks.map((check) => check()));
  for (const result of settled) {
    if (result.status === 'rejected')
      logger.warn({ host, reason: messageOf(result.reason) }, 'xCAT cannot be asked yet');
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
