import { type TracingChannel, tracingChannel } from 'node:diagnostics_channel';

/** A call to a server of a host, as observers see it. It holds neither query, headers, credentials nor bodies. */
export type ObservedCall = {
  host: string;
  /** The server's name: xCAT, Feilong. */
  server: string;
  /** Method and path: `GET /tables/switch`. */
  operation: string;
  /** The answer's status, once there is one. */
  status?: number;
};

/** A chain of commands, from its hand-over until its outcome is known: the wait for its turn is part of it. */
export type ObservedChain = {
  host: string;
  /** The zHCP, or the management node. */
  node: string;
  /** `directory` for changes that DirMaint works off one after another, `smapi` for all other functions, `cp` for the rest. */
  lane: 'directory' | 'smapi' | 'cp';
  commands: ObservedCommand[];
};

export type ObservedCommand = {
  /** SMAPI's function, or the program with its first word. */
  name: string;
  /** It changes nothing. */
  reads: boolean;
  /** Undefined when the command was not run. */
  exitStatus?: number;
  /** SMAPI's return and reason code. */
  rc?: number;
  rs?: number;
};

type Observation<Seen extends object> = TracingChannel<unknown, Seen>;

/**
 * Calls and chains for whoever observes them: metrics and traces subscribe, backends only say what they do. Without a subscriber this costs
 * nothing.
 */
export const observedCalls: Observation<ObservedCall> = tracingChannel('networking-zvm:call');
export const observedChains: Observation<ObservedChain> = tracingChannel('networking-zvm:chain');

/** Do some work under observation. The work may complete what was `seen`. */
export function observed<Seen extends object, Result>(
  channel: Observation<Seen>,
  seen: Seen,
  work: () => Promise<Result>,
): Promise<Result> {
  return channel.hasSubscribers ? channel.tracePromise(work, seen) : work();
}
