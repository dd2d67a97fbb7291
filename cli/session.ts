import { randomUUID } from 'node:crypto';
import type { Client } from '@temporalio/client';
import { z } from 'zod';
import { hostNames, workersOf } from '../client/known-hosts.ts';
import { runUrl } from '../client/operations.ts';
import { configuredTarget, connectClient, type TemporalTarget } from '../client/temporal-connection.ts';
import { defined } from '../domain/defined.ts';
import { taskQueueOf } from '../domain/host/host.ts';
import { HostName } from '../domain/text/identifiers.ts';
import { CommandFailure, EXIT } from './exit-codes.ts';
import { colourAside, Output } from './output.ts';

/** Whoever waits at a shell is told soon that nobody answers. */
const CONNECT_TIMEOUT = '5 seconds';

const LONG_MS = 5_000;

/** Options of every command. */
export const SessionOptions = z.object({
  json: z.boolean().optional(),
  host: z.string().optional(),
  address: z.string().optional(),
  namespace: z.string().optional(),
  uiUrl: z.string().optional(),
});
export type SessionOptions = z.infer<typeof SessionOptions>;

/** One run of the command: its connection to Temporal, where its output goes, and Ctrl-C. */
export class Session {
  readonly output: Output;
  readonly target: TemporalTarget;
  /** Readings are its own: one that began before what the shell's line before this has done would show what was. */
  readonly generation = randomUUID().slice(0, 8);
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
  readonly #options: SessionOptions;
  #connected: { client: Client; close(): Promise<void> } | undefined;

  constructor(options: SessionOptions, signal: AbortSignal) {
    this.#options = options;
    this.output = new Output(options.json ?? false);
    this.signal = signal;
    const { namespace, connection } = configuredTarget();
    const { address } = options;
    this.target = {
      namespace: options.namespace ?? namespace,
      connection: { ...connection, connectTimeout: CONNECT_TIMEOUT, ...defined({ address }) },
    };
  }

  /** The client, connected when it is first asked for. Throws a CommandFailure when Temporal does not answer. */
  async client(): Promise<Client> {
    try {
      this.#connected ??= await connectClient(this.target);
      return this.#connected.client;
    } catch {
      const { address = 'localhost:7233' } = this.target.connection;
      throw new CommandFailure(
        EXIT.unavailable,
        `Temporal does not answer at ${address}. Give --address, or set TEMPORAL_ADDRESS or temporal.toml.`,
      );
    }
  }

  async close(): Promise<void> {
    await this.#connected?.close();
  }

  /** The host that is meant: --host, ZVMNET_HOST, or the only one there is. Throws a CommandFailure that names those there are. */
  async host(): Promise<HostName> {
    const named = this.namedHost();
    if (named !== undefined) return await this.known(named);
    const [only, ...others] = await this.hosts();
    if (only !== undefined && others.length === 0) return only;
    if (only === undefined)
      throw new CommandFailure(EXIT.notFound, 'No host is known to Temporal yet: start its worker, or give --host.');
    throw new CommandFailure(EXIT.usage, `Which host? Give --host or set ZVMNET_HOST: ${[only, ...others].join(', ')}`);
  }

  /** The host that --host or ZVMNET_HOST names. Throws a CommandFailure when that is no name of a host. */
  namedHost(): HostName | undefined {
    const named = this.#options.host ?? process.env.ZVMNET_HOST ?? '';
    if (named === '') return undefined;
    const parsed = HostName.safeParse(named);
    if (parsed.success) return parsed.data;
    throw new CommandFailure(EXIT.usage, `--host ${named}: that is no name of a host`);
  }

  /** All hosts that are known to Temporal. */
  async hosts(): Promise<HostName[]> {
    return hostNames(await this.client());
  }

  /** The same name, when Temporal knows a host of it. Else throws a CommandFailure: an operation for it would wait for ever. */
  async known(host: HostName): Promise<HostName> {
    if ((await workersOf(await this.client(), host)) > 0) return host;
    const hosts = await this.hosts();
    if (hosts.includes(host)) return host;
    const others = hosts.length === 0 ? '' : ` There are: ${hosts.join(', ')}.`;
    throw new CommandFailure(
      EXIT.notFound,
      `Temporal knows no host ${host}: its worker has never run (task queue ${taskQueueOf(host)}).${others}`,
    );
  }

  /** Say so when no worker of a host runs, before somebody waits for one. */
  async tellIfNobodyWorks(host: string, what: string): Promise<void> {
    if ((await workersOf(await this.client(), host)) === 0)
      this.output.tell(colourAside('yellow', `No worker of ${host} is running: ${what} waits until one starts.`));
  }

  /** A host to read from: throws a CommandFailure when nobody works for it, since a reading would wait for ever. */
  async hostToRead(): Promise<HostName> {
    return await this.readable(await this.host());
  }

  /** The same host, when somebody works for it. Else throws a CommandFailure. */
  async readable(host: HostName): Promise<HostName> {
    if ((await workersOf(await this.client(), host)) > 0) return host;
    throw new CommandFailure(
      EXIT.unavailable,
      `No worker of ${host} is running (task queue ${taskQueueOf(host)}): it cannot be read. Start one: npm run worker`,
    );
  }

  /** The result of a reading. Announces a reading that takes long. */
  async read<Result>(host: string, reading: Promise<Result>): Promise<Result> {
    const timer = setTimeout(
      () => this.output.tell(`${host} is being read: xCAT has not answered as it should yet.`),
      LONG_MS,
    );
    try {
      return await reading;
    } finally {
      clearTimeout(timer);
    }
  }

  /** The page of a run in the Temporal UI; undefined when nobody has said where that is. */
  runUrl(run: { id: string; runId: string }): string | undefined {
    const base = this.#options.uiUrl ?? process.env.ZVMNET_UI_URL ?? devServerUi(this.target.connection.address);
    return base === undefined ? undefined : runUrl(base, this.target.namespace, run);
  }
}

/** Temporal's development server has its UI a thousand ports above. */
function devServerUi(address = 'localhost:7233'): string | undefined {
  const [, name, port] = /^(127\.0\.0\.1|localhost|\[::1\]):(\d+)$/.exec(address) ?? [];
  return port === undefined ? undefined : `http://${name}:${Number(port) + 1_000}`;
}
