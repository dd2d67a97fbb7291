import { inject } from 'vitest';
import type { HostConfiguration } from '../../configuration/load.ts';
import type { GatewayOptions } from '../../gateway/options.ts';
import { gatewayHostOf, type RunningGateway, serveGateway } from '../../runtime/gateway/server.ts';
import type { Simulator } from '../../simulator/simulator.ts';
import { createEnvironment, createEnvironmentOn, type Environment } from '../workflows/environment.ts';

/** Answered when it is done, however long a loaded machine takes. */
export const WAIT = { prefer: 'wait=110' };

/** A gateway before one simulated z/VM system with its worker; `call` sends a request and reads the answer. */
export type Served = {
  environment: Environment;
  host: string;
  gateway: RunningGateway;
  log: string[];
  call(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>;
  close(): Promise<void>;
};

// biome-ignore lint/suspicious/noExplicitAny: an answer is whatever the test expects of it
export type Answer = { status: number; headers: Headers; body: any };

export async function serve(
  options: Partial<GatewayOptions> & {
    guests?: number;
    configured?: Partial<HostConfiguration>;
    /** By default one of its own, with so many guests. */
    simulator?: Simulator;
  } = {},
  workerToo = true,
): Promise<Served> {
  const { guests = 10, configured = {}, simulator, ...rest } = options;
  const environment =
    simulator === undefined
      ? await createEnvironment({ guests }, workerToo, configured)
      : await createEnvironmentOn(simulator, 1, configured, workerToo);
  const log: string[] = [];
  const { host, configuration, client } = environment;
  const gateway = await serveGateway(
    {
      client,
      namespace: inject('temporalNamespace'),
      hosts: [gatewayHostOf(configuration)],
      tokens: undefined,
      uiUrl: 'http://ui.example',
      log: (level, fields, message) => log.push(JSON.stringify({ level, ...fields, message })),
      ...rest,
      limits: { stateSeconds: 0, ...rest.limits },
    },
    { host: '127.0.0.1', port: 0 },
  );
  return {
    environment,
    host,
    gateway,
    log,
    async call(method, path, body, headers = {}) {
      const answer = await fetch(`${gateway.url}${path}`, {
        method,
        headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
        ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      });
      const text = await answer.text();
      return {
        status: answer.status,
        headers: answer.headers,
        body: isJson(answer) && text !== '' ? JSON.parse(text) : text,
      };
    },
    async close() {
      await gateway.close();
      await environment.close();
    },
  };
}

function isJson({ headers }: Response): boolean {
  return /^application\/(\w+\+)?json/.test(headers.get('content-type') ?? '');
}
