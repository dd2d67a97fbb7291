import { randomUUID } from 'node:crypto';
import { hostname, userInfo } from 'node:os';
import type { Client } from '@temporalio/client';
import { z } from 'zod';
import { hostNames, workersOf } from '../client/known-hosts.ts';
import { runUrl } from '../client/operations.ts';
import { type Origin, reasonFrom } from '../client/origin.ts';
import { configuredTarget, connectClient, type TemporalTarget } from '../client/temporal-connection.ts';
import { defined } from '../domain/defined.ts';
import { taskQueueOf } from '../domain/host/host.ts';
import { HostName } from '../domain/text/identifiers.ts';
import { CommandFailure, EXIT } from './exit-codes.ts';
import { colourAside, FORMS, Output } from './output.ts';

/** Timeout of the connection: a user at a shell learns soon that no server answers. */
const CONNECT_TIMEOUT = '5 seconds';

const LONG_MS = 5_000;

/** Options of every command. */
export const SessionOptions = z.object({
  json: z.boolean().optional(),
  output: z.enum(FORMS, `must be one of ${FORMS.join(', ')}`).optional(),
  columns: z.string().optional(),
  host: z.string().optional(),
  address: z.string().optional(),
  namespace: z.string().optional(),
  uiUrl: z.string().optional(),
  reason: z.string().optional(),
});
export type SessionOptions = z.infer<typeof SessionOptions>;

/** One run of the command: its connection to Temporal, its output, and Ctrl-C. */
export class Session {
  readonly output: Output;
  readonly target: TemporalTarget;
  /** The session never shares readings: a reading older than the previous command would not show its changes. */
  readonly generation = randomUUID().slice(0, 8);
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
  readonly #options: SessionOptions;
  #connected: { client: Client; close(): Promise<void> } | undefined;

  constructor(options: SessionOptions, signal: AbortSignal) {
    this.#options = options;
    const form = options.json === true ? 'json' : (options.output ?? 'table');
    this.output = new Output({ form, columns: options.columns?.split(',') });
    this.signal = signal;
    const { namespace, connection, codec } = configuredTarget();
    const { address } = options;
    this.target = {
      namespace: options.namespace ?? namespace,
      connection: { ...connection, connectTimeout: CONNECT_TIMEOUT, ...defined({ address }) },
      ...defined({ codec }),
    };
  }

  /** The user of the command, as operations show it: ZVMNET_USER, or `user@machine`. */
  get user(): string {
    const named = process.env.ZVMNET_USER?.trim() ?? '';
    return named === '' ? `${userName()}@${hostname()}` : named.slice(0, 200);
  }

  /** True when somebody can be asked: the command is on a terminal, and its output is no document for programs. */
  get asks(): boolean {
    return process.stdin.isTTY === true && process.stderr.isTTY === true && !this.output.json;
  }

  /** The origin of the operations that the command starts. */
  get origin(): Origin {
    const reason = reasonFrom(this.#options.reason ?? process.env.ZVMNET_REASON);
    return { by: this.user, via: 'zvmnet', ...defined({ reason }) };
  }

  /** The client, connected at its first use. Throws a CommandFailure when Temporal does not answer. */
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

  /** The host of the command: --host, ZVMNET_HOST, or the only host. Throws a CommandFailure that names the known hosts. */
  async host(): Promise<HostName> {
    const named = this.namedHost();
    if (named !== undefined) return await this.known(named);
    const [only, ...others] = await this.hosts();
    if (only !== undefined && others.length === 0) return only;
    if (only === undefined)
      throw new CommandFailure(EXIT.notFound, 'Temporal knows no host yet: start a worker, or give --host.');
    throw new CommandFailure(
      EXIT.usage,
      `Several hosts: give --host or set ZVMNET_HOST to one of ${[only, ...others].join(', ')}`,
    );
  }

  /** The host that --host or ZVMNET_HOST names. Throws a CommandFailure when the name is not valid. */
  namedHost(): HostName | undefined {
    const named = this.#options.host ?? process.env.ZVMNET_HOST ?? '';
    if (named === '') return undefined;
    const parsed = HostName.safeParse(named);
    if (parsed.success) return parsed.data;
    throw new CommandFailure(EXIT.usage, `--host ${named}: not the name of a host`);
  }

  /** All hosts known to Temporal. */
  async hosts(): Promise<HostName[]> {
    return hostNames(await this.client());
  }

  /** The same name, when Temporal knows the host. Throws a CommandFailure for an unknown host: an operation would wait for ever. */
  async known(host: HostName): Promise<HostName> {
    if ((await workersOf(await this.client(), host)) > 0) return host;
    const hosts = await this.hosts();
    if (hosts.includes(host)) return host;
    const others = hosts.length === 0 ? '' : ` Known hosts: ${hosts.join(', ')}.`;
    throw new CommandFailure(
      EXIT.notFound,
      `Temporal knows no host ${host}: its worker has never run (task queue ${taskQueueOf(host)}).${others}`,
    );
  }

  /** Warn when a host has no worker, before an operation waits for one. */
  async warnWithoutWorker(host: string, what: string): Promise<void> {
    if ((await workersOf(await this.client(), host)) === 0)
      this.output.tell(colourAside('yellow', `${host} has no worker: ${what} waits until one starts.`));
  }

  /** A host to read from. Throws a CommandFailure when the host has no worker: a reading would wait for ever. */
  async hostToRead(): Promise<HostName> {
    return await this.readable(await this.host());
  }

  /** The same host, when it has a worker. Throws a CommandFailure when it has none. */
  async readable(host: HostName): Promise<HostName> {
    if ((await workersOf(await this.client(), host)) > 0) return host;
    throw new CommandFailure(
      EXIT.unavailable,
      `${host} has no worker (task queue ${taskQueueOf(host)}) and cannot be read. Start one: npm run worker`,
    );
  }

  /** The result of a reading. Announces a reading that takes long. */
  async read<Result>(host: string, reading: Promise<Result>): Promise<Result> {
    const timer = setTimeout(
      () => this.output.tell(`The reading of ${host} continues: xCAT has given no valid answer yet.`),
      LONG_MS,
    );
    try {
      return await reading;
    } finally {
      clearTimeout(timer);
    }
  }

  /** The page of a run in the Temporal UI; undefined when the UI's address is unknown. */
  runUrl(run: { id: string; runId: string }): string | undefined {
    const base = this.#options.uiUrl ?? process.env.ZVMNET_UI_URL ?? devServerUi(this.target.connection.address);
    return base === undefined ? undefined : runUrl(base, this.target.namespace, run);
  }
}

/** The name of the user; the number of one that the machine has no name for. */
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return `uid ${process.getuid?.() ?? 'unknown'}`;
  }
}

/** The UI's address of a Temporal development server: its port plus a thousand. */
function devServerUi(address = 'localhost:7233'): string | undefined {
  const [, name, port] = /^(127\.0\.0\.1|localhost|\[::1\]):(\d+)$/.exec(address) ?? [];
  return port === undefined ? undefined : `http://${name}:${Number(port) + 1_000}`;
}
