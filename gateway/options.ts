import type { Client } from '@temporalio/client';
import type { KnownToken } from './tokens.ts';

/** A host that the gateway serves. */
export type GatewayHost = { host: string; physicalNetworks: { name: string; vswitch: string }[] };

export type GatewayOptions = {
  client: Client;
  namespace: string;
  hosts: readonly GatewayHost[];
  /** Who may do what; undefined: everybody may do everything, for a gateway that only this machine reaches. */
  tokens: readonly KnownToken[] | undefined;
  /** Base of the Temporal UI, for links to runs. */
  uiUrl?: string;
  limits?: Partial<Limits>;
  log(level: 'info' | 'warn' | 'error', fields: Record<string, unknown>, message: string): void;
};

export type Limits = {
  requestsPerSecond: number;
  bodyBytes: number;
  /** Longest `Prefer: wait`. */
  waitSeconds: number;
  /** How old a host's state may be that lists and the picture are made from. */
  stateSeconds: number;
};

export const LIMITS: Limits = { requestsPerSecond: 100, bodyBytes: 2_000_000, waitSeconds: 120, stateSeconds: 2 };
