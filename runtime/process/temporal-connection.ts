import { setTimeout as sleep } from 'node:timers/promises';
import { Connection, isGrpcServiceError } from '@temporalio/client';
import { NativeConnection, type Worker } from '@temporalio/worker';
import type { Logger } from 'pino';
import type { TemporalTarget } from '../../client/temporal-connection.ts';
import { defined } from '../../domain/defined.ts';
import { messageOf } from '../../domain/text/error-message.ts';
import { ensureSearchAttributes } from '../../temporal-config/dev-server/temporal-server.ts';
import { SEARCH_ATTRIBUTES } from '../../temporal-config/search-attributes.ts';

/** The gRPC code NOT_FOUND. */
const NOT_FOUND = 5;

/** Temporal cannot be used as configured; the message names the address and the advice. */
export class TemporalUnusable extends Error {
  override readonly name = 'TemporalUnusable';
}

const AGAIN_MS = 1_000;
const LONGEST_AGAIN_MS = 30_000;

/** The connection that all workers of a process share. */
export type WorkerConnection = {
  connection: NativeConnection;
  /** Give workers a new connection at each change of the certificates: the SDK's keeps those that it was made with. */
  renewFor(workers: readonly Pick<Worker, 'connection'>[], logger: Logger): void;
  close(): Promise<void>;
};

/** Connect the workers of a process. */
export async function connectWorkers(target: TemporalTarget): Promise<WorkerConnection> {
  const tls = target.certificates?.tls();
  const first = await connectNative(target);
  const ended = new AbortController();
  let current = first;
  let renewing = Promise.resolve();
  return {
    connection: first,
    renewFor(workers, logger) {
      const renew = async () => {
        const next = await connectAgain(target, logger, ended.signal);
        if (next === undefined) return;
        for (const worker of workers) worker.connection = next;
        const former = current;
        current = next;
        await former.close();
        logger.info('workers are connected to Temporal with the new certificates');
      };
      const renewNow = () => {
        renewing = renewing.then(renew);
      };
      target.certificates?.onChange(renewNow);
      if (target.certificates?.tls() !== tls) renewNow();
    },
    async close() {
      ended.abort();
      await renewing;
      await current.close();
    },
  };
}

function connectNative({ connection: { address, tls, apiKey }, certificates }: TemporalTarget) {
  const key = typeof apiKey === 'string' ? apiKey : undefined;
  return NativeConnection.connect(defined({ address, tls: certificates?.tls() ?? tls, apiKey: key }));
}

/** Connect until Temporal answers; undefined once the signal is aborted. */
async function connectAgain(
  target: TemporalTarget,
  logger: Logger,
  signal: AbortSignal,
): Promise<NativeConnection | undefined> {
  for (let pause = AGAIN_MS; !signal.aborted; pause = Math.min(2 * pause, LONGEST_AGAIN_MS)) {
    try {
      return await connectNative(target);
    } catch (error) {
      logger.warn({ reason: messageOf(error) }, 'Temporal does not answer with the new certificates: tried again');
    }
    await sleep(pause, undefined, { signal }).catch(() => undefined);
  }
  return undefined;
}

/**
 * Ensure the search attributes at a server that is run elsewhere, since no workflow can run without them. Throws a TemporalUnusable that names them when
 * they cannot be added, or that names the address when the server or the namespace is missing.
 */
export async function prepareExternal(target: TemporalTarget): Promise<void> {
  const { address = 'localhost:7233' } = target.connection;
  const connection = await Connection.connect(target.connection).catch((error: unknown) => {
    const reason = messageOf(error);
    throw new TemporalUnusable(`Temporal does not answer at ${address} (TEMPORAL_ADDRESS, temporal.toml): ${reason}`);
  });
  try {
    await ensureSearchAttributes(connection, target.namespace);
  } catch (error) {
    if (isGrpcServiceError(error) && error.code === NOT_FOUND)
      throw new TemporalUnusable(
        `Temporal at ${address} has no namespace ${target.namespace} (TEMPORAL_NAMESPACE, temporal.toml)`,
      );
    const names = SEARCH_ATTRIBUTES.map((key) => `${key.name} (${key.type})`).join(', ');
    const reason = messageOf(error);
    throw new TemporalUnusable(
      `the search attributes ${names} cannot be added to namespace ${target.namespace}: ${reason}. Add them by \`temporal operator search-attribute create\``,
    );
  } finally {
    await connection.close();
  }
}
