import { readFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { serve } from '@hono/node-server';
import { createGateway } from '../gateway/app.ts';
import type { GatewayOptions } from '../gateway/options.ts';
import { type KnownToken, TokenFile } from '../gateway/tokens.ts';

export type ServerOptions = {
  host: string;
  port: number;
  tls?: { certFile: string; keyFile: string };
};

export type RunningGateway = { url: string; close(): Promise<void> };

/** A request that has not arrived whole by then is given up. */
const REQUEST_MS = 30_000;
const HEADERS_MS = 15_000;

/**
 * Serve the gateway by Node. Throws an Error when it would be open to others without tokens: only on loopback may everybody do everything.
 */
export async function serveGateway(
  options: GatewayOptions,
  { host, port, tls }: ServerOptions,
): Promise<RunningGateway> {
  if (options.tokens === undefined && !isLoopback(host))
    throw new Error(`without --tokens the gateway listens on loopback only, not on ${host}`);
  if (options.tokens === undefined)
    options.log('warn', {}, 'development mode: no tokens, everybody on this machine may do everything');
  if (tls === undefined && !isLoopback(host)) options.log('warn', {}, 'plain HTTP: tokens are readable on the network');
  const app = createGateway(options);
  const limits = { requestTimeout: REQUEST_MS, headersTimeout: HEADERS_MS };
  const listening = Promise.withResolvers<AddressInfo>();
  const server = serve(
    {
      fetch: app.fetch,
      hostname: host,
      port,
      ...(tls === undefined
        ? { createServer: createHttpServer, serverOptions: limits }
        : {
            createServer: createTlsServer,
            serverOptions: { ...limits, cert: readFileSync(tls.certFile), key: readFileSync(tls.keyFile) },
          }),
    },
    (address) => listening.resolve(address),
  );
  server.once('error', (error) => listening.reject(error));
  const { port: actual } = await listening.promise;
  const name = host.includes(':') ? `[${host}]` : host;
  return {
    url: `${tls === undefined ? 'http' : 'https'}://${name}:${actual}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        if ('closeAllConnections' in server) server.closeAllConnections();
      }),
  };
}

/** Read a file of tokens. Throws an Error that names the file and what is wrong in it, but no token. */
export function readTokens(file: string): KnownToken[] {
  let text: unknown;
  try {
    text = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new Error(
      `${file} cannot be read as JSON (${error instanceof Error && 'code' in error ? String(error.code) : 'syntax'})`,
    );
  }
  const parsed = TokenFile.safeParse(text);
  if (parsed.success) return parsed.data.tokens;
  const [issue] = parsed.error.issues;
  throw new Error(`${file}: ${issue?.path.join('.')}: ${issue?.message}`);
}

function isLoopback(host: string): boolean {
  return /^(127(\.\d+){3}|localhost|::1)$/.test(host);
}
