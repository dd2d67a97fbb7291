import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import { hasWork } from '../../client/host-work.ts';
import { connectClient, type TemporalTarget } from '../../client/temporal-connection.ts';
import { messageOf } from '../../domain/text/error-message.ts';

const LONGEST_PAUSE_MS = 5_000;
const ANSWER_MS = 20_000;

/**
 * Wait until no host has had work for so many seconds, or `signal` is aborted. While Temporal does not tell, there may be work. Work that comes later stays
 * at Temporal for the next worker. Throws what Temporal's client throws when it cannot connect.
 */
export async function untilIdle(
  target: TemporalTarget,
  hosts: readonly string[],
  seconds: number,
  logger: Logger,
  signal: AbortSignal,
): Promise<void> {
  const { client, close } = await connectClient(target);
  const pauseMs = Math.min(LONGEST_PAUSE_MS, seconds * 250);
  const anyWork = async () => (await Promise.all(hosts.map((host) => hasWork(client, host)))).includes(true);
  let workedAt = performance.now();
  while (!signal.aborted && performance.now() - workedAt < seconds * 1_000) {
    await sleep(pauseMs, undefined, { signal }).catch(() => undefined);
    if (signal.aborted) break;
    const isWorking = await client.withDeadline(Date.now() + ANSWER_MS, anyWork).catch((error: unknown) => {
      logger.warn({ reason: messageOf(error) }, 'Temporal does not tell whether there is work: this worker stays');
      return true;
    });
    if (isWorking) workedAt = performance.now();
  }
  await close();
  if (!signal.aborted) logger.info({ seconds }, 'nothing to do for so long');
}
