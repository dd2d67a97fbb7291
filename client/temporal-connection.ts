import { Client, Connection, type ConnectionOptions } from '@temporalio/client';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import { NAMESPACE } from '../temporal-config/names.ts';
import { tracedCalls } from './trace-context.ts';

/** Where Temporal is: what `temporal.toml` and `TEMPORAL_*` say, or the address given. */
export type TemporalTarget = { namespace: string; connection: ConnectionOptions };

/** The variables that Temporal's own convention reads, as `--help` tells them. */
export const TEMPORAL_VARIABLES = {
  'TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, …': "Temporal's connection, before that of temporal.toml",
};

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
  const interceptors = { workflow: [tracedCalls] };
  return {
    client: new Client({ connection, namespace: target.namespace, interceptors }),
    close: () => connection.close(),
  };
}
