import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, isIPv6 } from 'node:net';
import { Server as TlsServer } from 'node:tls';
import { serve } from '@hono/node-server';
import { getConnInfo } from '@hono/node-server/conninfo';
import type { Context } from 'hono';
import type { HostConfiguration } from '../../configuration/load.ts';
import { createGateway } from '../../gateway/app.ts';
import { wantsTokens } from '../../gateway/http/middleware.ts';
import type { GatewayHost, GatewayOptions } from '../../gateway/options.ts';
import { type CertificateFiles, firstCertificate, watchCertificate } from './certificate.ts';

export type ServerOptions = {
  host: string;
  port: number;
  tls?: CertificateFiles;
  /** True behind a proxy that sets `X-Forwarded-For` to the client's address. Without a proxy any client could forge it. */
  behindProxy?: boolean;
};

export type RunningGateway = {
  url: string;
  /** Read the certificate's files again now; the gateway also notices changes itself. */
  readAgain(): void;
  close(): Promise<void>;
};

/** The part of a host's configuration for a gateway, without xCAT. */
export function gatewayHostOf({ host, physicalNetworks }: HostConfiguration): GatewayHost {
  return { host, physicalNetworks: physicalNetworks.map(({ name, vswitch }) => ({ name, vswitch })) };
}

/** The time limit for receiving a whole request. */
const REQUEST_MS = 30_000;
const HEADERS_MS = 15_000;
const LOOK_FOR_SLOW_MS = 5_000;
/** The time for clients to receive their answers when the gateway ends. */
const LAST_ANSWERS_MS = 5_000;

/**
 * Serve the gateway by Node. Throws an Error without tokens on an address other than loopback: the gateway would be open to the network.
 */
export async function serveGateway(
  options: GatewayOptions,
  { host, port, tls, behindProxy = false }: ServerOptions,
): Promise<RunningGateway> {
  if (!wantsTokens(options) && !isLoopback(host))
    throw new Error(`without --tokens the gateway listens on loopback only, not on ${host}: give --tokens or --oidc`);
  if (!wantsTokens(options))
    options.log('warn', {}, 'development mode without tokens: every user of this machine may make every change');
  if (tls === undefined && !isLoopback(host))
    options.log('warn', {}, 'plain HTTP: the network carries tokens unencrypted');
  const closing = new AbortController();
  const app = createGateway({
    ...options,
    closing: closing.signal,
    addressOf: (context) => addressOf(context, behindProxy),
  });
  const limits = {
    requestTimeout: REQUEST_MS,
    headersTimeout: HEADERS_MS,
    connectionsCheckingInterval: LOOK_FOR_SLOW_MS,
  };
  const listening = Promise.withResolvers<AddressInfo>();
  const server = serve(
    {
      fetch: (request, bindings) => (hasSeveralHosts(bindings.incoming) ? REFUSED() : app.fetch(request, bindings)),
      hostname: host,
      port,
      // Node closes the connection half a second after an answer to an incomplete request.
      autoCleanupIncoming: false,
      ...(tls === undefined
        ? { createServer: createHttpServer, serverOptions: limits }
        : { createServer: createTlsServer, serverOptions: { ...limits, ...firstCertificate(tls) } }),
    },
    (address) => listening.resolve(address),
  );
  const answering = new Set<ServerResponse>();
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    response.once('finish', () => takeRest(request));
    answering.add(response);
    response.once('close', () => answering.delete(response));
  });
  server.once('error', (error) => listening.reject(error));
  const { port: actual } = await listening.promise;
  const certificate =
    tls !== undefined && server instanceof TlsServer ? watchCertificate(server, tls, options.log) : undefined;
  return {
    url: `${tls === undefined ? 'http' : 'https'}://${isIPv6(host) ? `[${host}]` : host}:${actual}`,
    readAgain: () => certificate?.readAgain(),
    async close() {
      certificate?.close();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      closing.abort();
      await lastAnswers(answering);
      if ('closeAllConnections' in server) server.closeAllConnections();
      await closed;
    },
  };
}

/** RFC 9112, section 3.2: a proxy in front may have gone by the other one. */
function hasSeveralHosts({ rawHeaders }: Pick<IncomingMessage, 'rawHeaders'>): boolean {
  return rawHeaders.filter((name, index) => index % 2 === 0 && name.toLowerCase() === 'host').length > 1;
}

const REFUSED = () => new Response(null, { status: 400 });

/** Read and drop the body, so that a client which sends all of it first still gets the answer. `requestTimeout` limits the time. */
function takeRest(request: IncomingMessage): void {
  if (request.complete) return;
  request.removeAllListeners('data').removeAllListeners('readable').resume();
}

async function lastAnswers(answering: ReadonlySet<ServerResponse>): Promise<void> {
  const ends = [...answering].map((response) => new Promise((resolve) => response.once('close', resolve)));
  let timer: NodeJS.Timeout | undefined;
  const enough = new Promise((resolve) => {
    timer = setTimeout(resolve, LAST_ANSWERS_MS);
  });
  await Promise.race([Promise.all(ends), enough]);
  clearTimeout(timer);
}

/** The client's address: the last one that the proxy has added, where there is a proxy. */
function addressOf(context: Context, behindProxy: boolean): string | undefined {
  const forwarded = behindProxy ? context.req.header('x-forwarded-for')?.split(',').at(-1)?.trim() : undefined;
  return forwarded ?? getConnInfo(context).remote.address;
}

function isLoopback(host: string): boolean {
  return /^(127(\.\d+){3}|localhost|::1)$/.test(host);
}
