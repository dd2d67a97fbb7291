import { Client, Connection, type ConnectionOptions } from '@temporalio/client';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import { NativeConnection } from '@temporalio/worker';
import { NAMESPACE } from '../temporal-config/namespace.ts';
import { SEARCH_ATTRIBUTES } from '../temporal-config/search-attributes.ts';
import { ensureSearchAttributes } from './temporal-server.ts';

/** Where Temporal is: what `temporal.toml` and `TEMPORAL_*` say, or the address given. */
export type TemporalTarget = { namespace: string; connection: ConnectionOptions };

/** Read the target from `temporal.toml` and `TEMPORAL_*`, by Temporal's own convention. */
export function configuredTarget(): TemporalTarget {
  const { connectionOptions, namespace } = loadClientConnectConfig();
  return { connection: connectionOptions, namespace: namespace ?? NAMESPACE };
}

/** The target of a server on this machine. */
export function localTarget(address: string, namespace: string): TemporalTarget {
  return { connection: { address }, namespace };
}

/** Connect a client; `close` ends its connection. */
export async function connectClient(target: TemporalTarget): Promise<{ client: Client; close(): Promise<void> }> {
  const connection = await Connection.connect(target.connection);
  return { client: new Client({ connection, namespace: target.namespace }), close: () => connection.close() };
}

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
