import type { ChannelModel, ConfirmChannel, ConsumeMessage } from 'amqplib';
import { messageOf } from '../domain/text/error-message.ts';
import type { Attachment, BrokerConnection } from './broker-connection.ts';
import { decodeReply, encode, newId, type Outgoing, type Reply, uncompressed } from './envelope.ts';
import { NeutronError } from './errors.ts';
import { controlExchange, type ExchangeFlags, ensureExchanges } from './exchanges.ts';
import { declareOwnQueue } from './own-queue.ts';

export type RpcOptions = {
  /** The exchange that Neutron's server listens on; `control_exchange`. */
  exchange: string;
  flags: ExchangeFlags;
  /** `rpc_response_timeout`. */
  timeoutMs: number;
};

export type RpcCall = {
  topic: string;
  method: string;
  version: string;
  args: Record<string, unknown>;
  /** Overrides `rpc_response_timeout`. */
  timeoutMs?: number;
};

type Waiting = { resolve(result: unknown): void; reject(error: unknown): void; operation: string; result: unknown };

const PROPERTIES = {
  contentType: 'application/json',
  contentEncoding: 'utf-8',
  deliveryMode: 2,
  priority: 0,
  headers: {},
} as const;

/** The time that a call waits for a connection. */
const LONGEST_WAIT_FOR_BROKER_MS = 10_000;

/**
 * Calls to servers over one connection. Safe for concurrent calls. A call that the broker cannot deliver fails at once (no server), as do open calls
 * when the connection breaks: every method that this project calls may be repeated.
 */
export class RpcClient implements Attachment {
  readonly #options: RpcOptions;
  readonly #connection: BrokerConnection;
  /** The same name after a reconnect: servers go on answering into a queue that is gone (docs/reference/neutron.md 2.4). */
  readonly #firstReplyQueue = `reply_${newId()}`;
  #replyQueue = this.#firstReplyQueue;
  readonly #waiting = new Map<string, Waiting>();
  #channel: ConfirmChannel | undefined;
  #model: ChannelModel | undefined;

  constructor(connection: BrokerConnection, options: RpcOptions) {
    this.#options = options;
    this.#connection = connection;
    connection.attach(this);
  }

  async connected(model: ChannelModel): Promise<void> {
    const { exchange, flags } = this.#options;
    await ensureExchanges(model, [controlExchange(exchange, flags)]);
    const replies = await model.createChannel();
    replies.on('error', () => {});
    replies.on('close', () => void model.close().catch(() => undefined));
    const { queue } = await declareOwnQueue(model, replies, this.#firstReplyQueue, flags);
    this.#replyQueue = queue;
    await replies.consume(
      queue,
      (message) => {
        // The broker has dropped the queue, as when its node in a cluster ends: no answer would arrive any more.
        if (message === null) void model.close().catch(() => undefined);
        else this.#answered(message);
      },
      { noAck: true },
    );
    this.#model = model;
    this.#channel = await this.#openChannel(model);
  }

  disconnected(): void {
    this.#channel = undefined;
    this.#model = undefined;
    for (const [msgId, { reject, operation }] of this.#waiting) {
      this.#waiting.delete(msgId);
      reject(new NeutronError('unreachable', operation, 'the connection to the broker was lost'));
    }
  }

  /** Call a method of a server and wait for its answer. Throws a NeutronError. */
  async call({ topic, method, version, args, timeoutMs }: RpcCall): Promise<unknown> {
    const operation = `call ${method}`;
    const limit = Math.min(timeoutMs ?? Number.POSITIVE_INFINITY, this.#options.timeoutMs);
    const channel = await this.#usable(operation, limit);
    const msgId = newId();
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    const tooLate = setTimeout(
      () => reject(new NeutronError('timeout', operation, `no answer within ${limit / 1_000} s`)),
      limit,
    );
    this.#waiting.set(msgId, { resolve, reject, operation, result: undefined });
    try {
      this.#publish(
        channel,
        topic,
        { method, version, args, answer: { msgId, queue: this.#replyQueue } },
        msgId,
        limit,
      );
      return await promise;
    } finally {
      clearTimeout(tooLate);
      this.#waiting.delete(msgId);
    }
  }

  #publish(channel: ConfirmChannel, topic: string, message: Outgoing, msgId: string, limit: number): void {
    const { exchange } = this.#options;
    const operation = `call ${message.method}`;
    try {
      channel.publish(exchange, topic, encode(message), {
        ...PROPERTIES,
        // The message expires with its caller's time limit, so that no server carries it out late.
        expiration: String(limit),
        mandatory: true,
        messageId: msgId,
      });
    } catch (error) {
      const reason = error instanceof Error ? error.message : 'the channel is closed';
      throw new NeutronError('unreachable', operation, reason);
    }
  }

  async #usable(operation: string, limit: number): Promise<ConfirmChannel> {
    if (this.#channel === undefined) {
      const giveUp = Promise.withResolvers<never>();
      const timer = setTimeout(
        () => giveUp.reject(new NeutronError('unreachable', operation, 'there is no connection to the broker')),
        Math.min(limit, LONGEST_WAIT_FOR_BROKER_MS),
      );
      try {
        await Promise.race([this.#connection.ready(), giveUp.promise]);
      } finally {
        clearTimeout(timer);
      }
    }
    if (this.#channel === undefined) throw new NeutronError('no-server', operation, 'the exchange does not exist');
    return this.#channel;
  }

  async #openChannel(model: ChannelModel): Promise<ConfirmChannel> {
    const channel = await model.createConfirmChannel();
    channel.on('error', () => {});
    channel.on('return', ({ properties }) => {
      this.#fail(String(properties.messageId), 'no server consumes from it');
    });
    channel.on('close', () => {
      if (this.#channel !== channel) return;
      this.#channel = undefined;
      // The exchange is gone, as after a restart of the broker: open calls fail, and the next call opens a new channel.
      for (const msgId of [...this.#waiting.keys()]) this.#fail(msgId, 'the exchange does not exist');
      void this.#reopen(model);
    });
    return channel;
  }

  async #reopen(model: ChannelModel): Promise<void> {
    if (this.#model !== model) return;
    try {
      await ensureExchanges(model, [controlExchange(this.#options.exchange, this.#options.flags)]);
      const channel = await this.#openChannel(model);
      if (this.#model === model) this.#channel = channel;
    } catch {
      await model.close().catch(() => undefined);
    }
  }

  #fail(msgId: string, reason: string): void {
    const waiting = this.#waiting.get(msgId);
    waiting?.reject(new NeutronError('no-server', waiting.operation, reason));
  }

  #answered(message: ConsumeMessage): void {
    try {
      const reply = decodeReply(uncompressed(message.content, message.properties.headers));
      if (reply !== undefined) this.#settle(reply);
    } catch (error) {
      // The call that it answers is unknown, and the server compresses all its answers: every open call fails.
      const reason = messageOf(error);
      for (const { reject, operation } of this.#waiting.values())
        reject(new NeutronError('compressed', operation, reason));
    }
  }

  #settle({ msgId, result, failure, ending }: Reply): void {
    const waiting = this.#waiting.get(msgId);
    if (waiting === undefined) return;
    if (failure !== undefined) {
      const { operation } = waiting;
      waiting.reject(new NeutronError('remote', operation, `${failure.class}: ${failure.message}`, failure));
      return;
    }
    waiting.result = result ?? waiting.result;
    if (ending) waiting.resolve(waiting.result);
  }
}
