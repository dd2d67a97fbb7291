import { Connection } from '@temporalio/client';
import { NativeConnection } from '@temporalio/worker';
import type { TemporalTarget } from '../client/temporal-connection.ts';
import { SEARCH_ATTRIBUTES } from '../temporal-config/search-attributes.ts';
import { ensureSearchAttributes } from './temporal-server.ts';

/** The connection that all workers of a process share. */
export function connectWorkers(target: TemporalTarget): Promise<NativeConnection> {
  const { address, tls, apiKey } = target.connection;
  return NativeConnection.connect({
    ...(address === undefined ? {} : { address }),
    ...(tls === undefined ? {} : { tls }),
    ...(typeof apiKey === 'string' ? { apiKey } : {}),
  });
}

/**
 * See that a server which somebody else runs knows the search attributes, without which no workflow can run. Throws an error that names them
 * when they are missing and may not be added.
 */
export async function prepareExternal(target: TemporalTarget): Promise<void> {
  const connection = await Connection.connect(target.connection);
  try {
    await ensureSearchAttributes(connection, target.namespace);
  } catch (error) {
    const names = SEARCH_ATTRIBUTES.map((key) => `${key.name} (${key.type})`).join(', ');
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(
      `the search attributes ${names} cannot be added to namespace ${target.namespace}: ${reason}. Add them by hand`,
    );
  } finally {
    await connection.close();
  }
}
