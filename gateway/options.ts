import type { Client } from '@temporalio/client';
import type { Context } from 'hono';
import { z } from 'zod';
import { HostName, VswitchName } from '../domain/text/identifiers.ts';
import type { Tokens } from './http/tokens.ts';
import type { Oidc } from './oidc/oidc.ts';

/** A host that the gateway serves. */
export type GatewayHost = { host: string; physicalNetworks: { name: string; vswitch: string }[] };

export type GatewayOptions = {
  client: Client;
  namespace: string;
  hosts: readonly GatewayHost[];
  /**
   * The known tokens. A function is called at each request, so that a token can be revoked. Undefined, and no identity provider: every caller may do everything,
   * for a gateway that only its own machine reaches.
   */
  tokens: Tokens;
  /** Identity providers, whose tokens are accepted beside those. */
  oidc?: Oidc | undefined;
  /** Called at each request by a token of the file, with its name. */
  used?(token: string): void;
  /** Base of the Temporal UI, for links to runs. */
  uiUrl?: string;
  /** The URL by which callers reach the gateway, with its path: the base of links. Without it links begin with the path. */
  publicUrl?: string;
  limits?: Partial<Limits>;
  /** The address of a request's client; without it all requests count as from one address. */
  addressOf?(context: Context): string | undefined;
  /** Aborted when the gateway ends: waiting callers get their answer then. */
  closing?: AbortSignal;
  log(level: 'info' | 'warn' | 'error', fields: Record<string, unknown>, message: string): void;
};

export type Limits = {
  /** Requests of one token. */
  requestsPerSecond: number;
  /** Requests with unknown tokens from one address. */
  strangersPerMinute: number;
  bodyBytes: number;
  /** Longest call to Temporal, except waits and readings. */
  temporalSeconds: number;
  /** Longest `Prefer: wait`. */
  waitSeconds: number;
  /** Longest reading of z/VM: below the 29 seconds of serverless API gateways. */
  readSeconds: number;
  /** Streams of events that one caller has open: each costs memory, as much as a host is large. */
  streamsPerCaller: number;
  /** Longest stream of events: its reader reconnects after that. */
  streamSeconds: number;
  /** Greatest age of a host's state in lists and in the picture. */
  stateSeconds: number;
  /** Greatest age of the numbers of operations and drift in the metrics. */
  metricsSeconds: number;
};

export const LIMITS: Limits = {
  requestsPerSecond: 100,
  strangersPerMinute: 60,
  bodyBytes: 2_000_000,
  temporalSeconds: 10,
  waitSeconds: 120,
  readSeconds: 25,
  streamsPerCaller: 50,
  streamSeconds: Number.POSITIVE_INFINITY,
  stateSeconds: 2,
  metricsSeconds: 15,
};

/** The hosts of a gateway that has no configuration file, since that would hold the xCAT password. */
export const GatewayHosts = z.array(
  z.strictObject({
    host: HostName,
    physicalNetworks: z.array(z.strictObject({ name: z.string(), vswitch: VswitchName })).default([]),
  }),
);

/** JSON from a variable of the environment. Throws an Error that names the variable, but not its content. */
export function variable<Schema extends z.ZodType>(
  env: NodeJS.ProcessEnv,
  name: string,
  schema: Schema,
): z.output<Schema> {
  let json: unknown;
  try {
    json = JSON.parse(env[name] ?? '');
  } catch {
    throw new Error(`${name} is missing or not JSON`);
  }
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  throw new Error(`${name}: ${parsed.error.issues[0]?.path.join('.')}: ${parsed.error.issues[0]?.message}`);
}
