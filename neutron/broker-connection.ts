import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ChannelModel, connect } from 'amqplib';
import { defined } from '../domain/defined.ts';
import { connectFailure } from './connect-failure.ts';
import { NeutronError } from './errors.ts';
import type { Broker, Transport } from './transport-url.ts';

export type BrokerOptions = {
  transport: Transport;
  /** Seconds; AMQP heartbeats in both directions, none when 0. */
  heartbeatSeconds: number;
  tls: { caFile?: string; certFile?: string; keyFile?: string; verify: boolean };
  log: BrokerLog;
};

/** The log of a connection. */
export type BrokerLog = {
  info(context: Record<string, unknown>, message: string): void;
  warn(context: Record<string, unknown>, message: string): void;
  error(context: Record<string, unknown>, message: string): void;
};

/** A part that uses the connection and is called at each start and end of it. */
export type Attachment = {
  /** Declare and consume on a new connection. When it throws, the connection is closed and made again. */
  connected(model: ChannelModel): Promise<void>;
  disconnected(): void;
};

const CONNECT_TIMEOUT_MS = 10_000;
const FIRST_PAUSE_MS = 1_000;
const PAUSE_STEP_MS = 2_000;
const LONGEST_PAUSE_MS = 30_000;

/**
 * A connection to one of the brokers that reconnects by itself: to the next broker in turn after each failure, with oslo.messaging's own pauses
 * (1 s, 2 s more each time, 30 s at most). Attachments declare everything again on each connection, since a restarted broker may have lost it.
 */
export class BrokerConnection {
  readonly #options: BrokerOptions;
  readonly #attachments: Attachment[] = [];
  readonly #stop = new AbortController();
  #model: ChannelModel | undefined;
  #loop: Promise<void> | undefined;
  #refusal: NeutronError | undefined;
  #wasConnected = false;
  #up = promised();

  constructor(options: BrokerOptions) {
    this.#options = options;
  }

  /** Add an attachment; to be called before `start`. */
  attach(attachment: Attachment): void {
    this.#attachments.push(attachment);
  }

  /** Begin to connect. Does not wait for the connection. */
  start(): void {
    this.#loop ??= this.#run();
  }

  /** Resolves when a connection with all attachments is up. Throws a NeutronError while all brokers refuse this agent. */
  async ready(): Promise<void> {
    if (this.#refusal !== undefined) throw this.#refusal;
    await this.#up.promise;
  }

  /** Close the present connection as if it had broken: a new one is made. */
  async reconnect(): Promise<void> {
    await this.#model?.close().catch(() => undefined);
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#model?.close().catch(() => undefined);
    await this.#loop;
  }

  async #run(): Promise<void> {
    const { brokers } = this.#options.transport;
    let pause = 0;
    while (!this.#stop.signal.aborted) {
      const refusals: NeutronError[] = [];
      for (const broker of brokers) {
        if (this.#stop.signal.aborted) return;
        const failure = await this.#use(broker);
        if (failure === undefined) pause = 0;
        else if (!failure.retryable) refusals.push(failure);
      }
      if (refusals.length === brokers.length) this.#refused(refusals);
      pause = pause === 0 ? FIRST_PAUSE_MS : Math.min(LONGEST_PAUSE_MS, pause + PAUSE_STEP_MS);
      await sleep(pause, undefined, { signal: this.#stop.signal }).catch(() => undefined);
    }
  }

  /** Stay connected to a broker as long as the connection lasts. Answers the failure when there was no connection. */
  async #use(broker: Broker): Promise<NeutronError | undefined> {
    const { log } = this.#options;
    try {
      await this.#connect(broker);
      if (!this.#stop.signal.aborted) log.warn(placeOf(broker), 'connection to the broker lost');
      return undefined;
    } catch (error) {
      const { transport, tls } = this.#options;
      if (this.#stop.signal.aborted) return undefined;
      const spoken = transport.tls ? () => tlsOptions(tls) : undefined;
      const failure = await connectFailure(error, { broker, vhost: transport.vhost, tls: spoken });
      if (!this.#stop.signal.aborted)
        log.warn(
          { ...placeOf(broker), reason: failure.message, advice: failure.advice },
          'no connection to the broker',
        );
      return failure;
    }
  }

  /** Connect, call the attachments, and wait for the end of the connection. */
  async #connect(broker: Broker): Promise<void> {
    const model = await this.#open(broker);
    const ended = new Promise<void>((resolve) => model.once('close', () => resolve()));
    model.on('error', () => {});
    this.#model = model;
    try {
      // A close() during the connect found no connection to close.
      this.#stop.signal.throwIfAborted();
      for (const attachment of this.#attachments) await attachment.connected(model);
    } catch (error) {
      this.#model = undefined;
      for (const attachment of this.#attachments) attachment.disconnected();
      await model.close().catch(() => undefined);
      throw error;
    }
    this.#wasConnected = true;
    this.#refusal = undefined;
    this.#options.log.info(placeOf(broker), 'connected to the broker');
    this.#up.resolve();
    await ended;
    this.#model = undefined;
    this.#up = promised();
    for (const attachment of this.#attachments) attachment.disconnected();
  }

  #open({ host, port, username, password }: Broker): Promise<ChannelModel> {
    const { transport, heartbeatSeconds, tls } = this.#options;
    return connect(
      {
        protocol: transport.tls ? 'amqps' : 'amqp',
        hostname: host,
        port,
        username,
        password,
        vhost: encodeURIComponent(transport.vhost),
        heartbeat: heartbeatSeconds,
      },
      {
        timeout: CONNECT_TIMEOUT_MS,
        noDelay: true,
        clientProperties: { connection_name: 'networking-zvm' },
        ...(transport.tls ? tlsOptions(tls) : {}),
      },
    );
  }

  /**
   * All brokers refuse this agent: fail those who wait for a connection, and go on trying, since an operator may correct the cause at the broker.
   * An agent that was connected before keeps waiting: a password may just be changing on both sides.
   */
  #refused([failure]: NeutronError[]): void {
    if (failure === undefined || this.#wasConnected) return;
    if (this.#refusal === undefined)
      this.#options.log.error({ reason: failure.message, advice: failure.advice }, 'no broker accepts the agent');
    this.#refusal = failure;
    this.#up.reject(failure);
    this.#up = promised();
  }
}

function promised(): PromiseWithResolvers<void> {
  const promise = Promise.withResolvers<void>();
  promise.promise.catch(() => undefined);
  return promise;
}

function placeOf({ host, port }: Broker): { broker: string } {
  return { broker: `${host}:${port}` };
}

function tlsOptions({ caFile, certFile, keyFile, verify }: BrokerOptions['tls']) {
  return {
    rejectUnauthorized: verify,
    ...defined({ ca: readPem(caFile), cert: readPem(certFile), key: readPem(keyFile) }),
  };
}

function readPem(file: string | undefined): Buffer | undefined {
  try {
    return file === undefined ? undefined : readFileSync(file);
  } catch {
    throw new NeutronError('untrusted', `read ${file}`, 'the file is unreadable');
  }
}
