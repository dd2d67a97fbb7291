import type { Client } from '@temporalio/client';
import type { Context } from 'hono';
import type { Tokens } from './tokens.ts';

/** A host that the gateway serves. */
export type GatewayHost = { host: string; physicalNetworks: { name: string; vswitch: string }[] };

export type GatewayOptions = {
  client: Client;
  namespace: string;
  hosts: readonly GatewayHost[];
  /**
   * Tokens and their scopes, read at each request when it is a function, so that a token can be revoked; undefined: everybody may do everything,
   * for a gateway that only this machine reaches.
   */
  tokens: Tokens;
  /** Base of the Temporal UI, for links to runs. */
  uiUrl?: string;
  /** The URL that callers reach the gateway by, with its path: links begin so. Without it they begin with the path alone. */
  publicUrl?: string;
  limits?: Partial<Limits>;
  /** The caller's address; without it all come from one. */
  addressOf?(context: Context): string | undefined;
  /** Aborted when the gateway is to end: whoever waits is answered then. */
  closing?: AbortSignal;
  log(level: 'info' | 'warn' | 'error', fields: Record<string, unknown>, message: string): void;
};

export type Limits = {
  /** Of one token. */
  requestsPerSecond: number;
  /** Requests with tokens that are not known, of one address. */
  strangersPerMinute: number;
  bodyBytes: number;
  /** Longest call to Temporal, but for waiting and reading. */
  temporalSeconds: number;
  /** Longest `Prefer: wait`. */
  waitSeconds: number;
  /** Longest reading of z/VM: below the 29 seconds that serverless API gateways give. */
  readSeconds: number;
  /** A stream of events ends after this: who follows it comes again. */
  streamSeconds: number;
  /** How old a host's state may be that lists and the picture are made from. */
  stateSeconds: number;
  /** How old the numbers of operations and drift in the metrics may be. */
  metricsSeconds: number;
};

export const LIMITS: Limits = {
  requestsPerSecond: 100,
  strangersPerMinute: 60,
  bodyBytes: 2_000_000,
  temporalSeconds: 10,
  waitSeconds: 120,
  readSeconds: 25,
  streamSeconds: Number.POSITIVE_INFINITY,
  stateSeconds: 2,
  metricsSeconds: 15,
};
