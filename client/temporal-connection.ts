import { Client, Connection, type ConnectionOptions, type TLSConfig } from '@temporalio/client';
import type { PayloadCodec } from '@temporalio/common';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import { defined } from '../domain/defined.ts';
import { NAMESPACE } from '../temporal-config/names.ts';
import { configuredCodec, PAYLOAD_KEY_VARIABLES } from './payload-codec.ts';
import { tracedCalls } from './trace-context.ts';

/** Certificates that are read again while the program runs: those of now, and the call at each change. */
export type RenewedCertificates = { tls(): TLSConfig; onChange(take: () => void): void };

/** Where Temporal is: what `temporal.toml` and `TEMPORAL_*` say, or the address given. */
export type TemporalTarget = {
  namespace: string;
  connection: ConnectionOptions;
  codec?: PayloadCodec;
  certificates?: RenewedCertificates;
};

/** The variables that Temporal's own convention reads, as `--help` tells them. */
export const TEMPORAL_VARIABLES = {
  'TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, …': "Temporal's connection, before that of temporal.toml",
  ...PAYLOAD_KEY_VARIABLES,
};

/**
 * Read the target from `temporal.toml` and `TEMPORAL_*`, by Temporal's own convention, and the keys of payloads. Throws a PayloadKeyError for
 * keys that cannot be used.
 */
export function configuredTarget(): TemporalTarget {
  const { connectionOptions, namespace } = loadClientConnectConfig();
  return { connection: connectionOptions, namespace: namespace ?? NAMESPACE, ...defined({ codec: configuredCodec() }) };
}

/** The target of a server on this machine. */
export function localTarget(address: string, namespace: string): TemporalTarget {
  return { connection: { address }, namespace };
}

/** The parts that each client has, whoever's name it bears. */
export function clientParts(codec: PayloadCodec | undefined) {
  return {
    interceptors: { workflow: [tracedCalls] },
    ...(codec === undefined ? {} : { dataConverter: { payloadCodecs: [codec] } }),
  };
}

/** gRPC waits up to two minutes before it looks for a server that was away for long. */
const LONGEST_RECONNECT_MS = 10_000;

/** A page of the history of an operation on 2,000 ports has more than gRPC's 4 MB. The SDK asks for as much, by a name that gRPC does not know. */
const MOST_BYTES = 128 * 1024 * 1024;

/** Connect a client; `close` ends its connection. */
export async function connectClient(target: TemporalTarget): Promise<{ client: Client; close(): Promise<void> }> {
  const { channelArgs, ...options } = target.connection;
  const connection = await Connection.connect({
    ...options,
    channelArgs: {
      'grpc.max_reconnect_backoff_ms': LONGEST_RECONNECT_MS,
      'grpc.max_receive_message_length': MOST_BYTES,
      ...channelArgs,
    },
  });
  const { namespace, codec } = target;
  return {
    client: new Client({ connection, namespace, ...clientParts(codec) }),
    close: () => connection.close(),
  };
}
