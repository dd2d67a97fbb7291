import { Connection, isGrpcServiceError } from '@temporalio/client';
import { NativeConnection } from '@temporalio/worker';
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

/** The connection that all workers of a process share. */
export function connectWorkers(target: TemporalTarget): Promise<NativeConnection> {
  const { address, tls, apiKey } = target.connection;
  return NativeConnection.connect({
    ...defined({ address, tls, apiKey: typeof apiKey === 'string' ? apiKey : undefined }),
  });
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
