import { unwatchFile, watchFile } from 'node:fs';
import { createSecureContext, type SecureContext } from 'node:tls';
import { credentials } from '@grpc/grpc-js';
import type { ConnectionOptions, TLSConfig } from '@temporalio/client';
import { type ConfigDataSource, loadClientConfigProfile } from '@temporalio/envconfig';
import type { Logger } from 'pino';
import { configuredTarget, type TemporalTarget } from '../../client/temporal-connection.ts';
import { defined } from '../../domain/defined.ts';
import { messageOf } from '../../domain/text/error-message.ts';

const LOOK_MS = 1_000;

/** The target of a program that outlives its certificates. */
export type WatchedTarget = { target: TemporalTarget; readAgain(): void; close(): void };

/**
 * Read the target as `configuredTarget` does, and its certificates again when their files change. Files that do not match, as in the middle of a
 * change, are reported, and the last certificates stay in use. An API key and certificates in variables stay as they are.
 */
export function watchedTarget(logger: Logger): WatchedTarget {
  const target = configuredTarget();
  const { tls: first, ...connection } = target.connection;
  const files = certificateFiles();
  if (!isTls(first) || files.length === 0 || connection.apiKey !== undefined)
    return { target, readAgain() {}, close() {} };
  let [tls, context] = [first, contextOf(first)];
  const takers = new Set<() => void>();
  const readAgain = () => {
    try {
      const { tls: changed } = configuredTarget().connection;
      if (!isTls(changed)) return;
      [tls, context] = [changed, contextOf(changed)];
      logger.info({ files }, 'certificates for Temporal read');
      for (const take of takers) take();
    } catch (error) {
      logger.error(
        { files, reason: messageOf(error) },
        'new certificates for Temporal not usable: the previous ones stay in use',
      );
    }
  };
  for (const file of files) watchFile(file, { interval: LOOK_MS, persistent: false }, readAgain);
  const certificates = { tls: () => tls, onChange: (take: () => void) => void takers.add(take) };
  return {
    target: { ...target, connection: { ...connection, ...channelOf(first, () => context) }, certificates },
    readAgain,
    close: () => {
      for (const file of files) unwatchFile(file, readAgain);
    },
  };
}

/** The files of the certificates, by `temporal.toml` and `TEMPORAL_TLS_*_PATH`. */
function certificateFiles(): string[] {
  const { tls } = loadClientConfigProfile();
  const sources: (ConfigDataSource | undefined)[] = [tls?.clientCert, tls?.clientKey, tls?.serverCACert];
  return sources.flatMap((source) => (source !== undefined && 'path' in source ? [source.path] : []));
}

function isTls(tls: ConnectionOptions['tls']): tls is TLSConfig {
  return typeof tls === 'object' && tls !== null;
}

function contextOf({ serverRootCACertificate: ca, clientCertPair }: TLSConfig): SecureContext {
  const pem = (bytes: Uint8Array | undefined) => (bytes === undefined ? undefined : Buffer.from(bytes));
  return createSecureContext(defined({ ca: pem(ca), cert: pem(clientCertPair?.crt), key: pem(clientCertPair?.key) }));
}

/**
 * The TLS of a client's connection. Node takes `context` at each handshake, so a connection that is made anew, such as after the server has
 * ended it for its age, shows the certificate of that time.
 */
function channelOf(
  { serverNameOverride: name }: TLSConfig,
  current: () => SecureContext,
): Pick<ConnectionOptions, 'credentials' | 'channelArgs'> {
  const live = {
    get context() {
      return current().context;
    },
  };
  return {
    credentials: credentials.createFromSecureContext(live),
    ...(name !== undefined && {
      channelArgs: { 'grpc.ssl_target_name_override': name, 'grpc.default_authority': name },
    }),
  };
}
