import { setTimeout as sleep } from 'node:timers/promises';
import type { Channel, ChannelModel, ConsumeMessage } from 'amqplib';
import { messageOf } from '../domain/text/error-message.ts';
import type { Attachment, BrokerConnection, BrokerLog } from './broker-connection.ts';
import { decodeMessage, type Incoming, uncompressed } from './envelope.ts';
import { NeutronError } from './errors.ts';
import { type Exchange, type ExchangeFlags, ensureExchanges, fanoutExchange } from './exchanges.ts';
import { declareOwnQueue } from './own-queue.ts';
import { bindTopics, isBound, repeatBindings } from './topic-bindings.ts';

export type SubscriptionOptions = {
  /** The queue's name, the same at every start: messages wait in it while no process listens. */
  queue: string;
  /** Topics whose fanout exchanges the queue is bound to. */
  topics: readonly string[];
  flags: ExchangeFlags;
  log: BrokerLog;
  /** Called at each connection with the number of messages that waited. */
  onConnected(backlog: number): void;
  onDisconnected(): void;
  /** Called when the queue's bindings were removed at the broker and are restored: messages may be lost. */
  onRebound(): void;
  /** Called before the first messages on a connection when another process received the earlier ones. */
  onTakenOver(): void;
  /**
   * Receive messages in their order, in batches when they arrive fast. They are acknowledged when the promise resolves. When it rejects, the call is
   * repeated.
   */
  onMessages(messages: Incoming[], backlog: boolean): Promise<void>;
};

const MOST_UNACKNOWLEDGED = 500;
const AGAIN_MS = 1_000;
/** An operator may remove bindings at the broker, which sends no notice: the queue then stays empty. */
const BINDING_CHECK_MS = 10_000;
/** Bindings to topics cannot be queried, only repeated, which costs the broker more. */
const CHECKS_PER_BINDING = 6;
/** The size of oslo.messaging's duplicate filter. */
const REMEMBERED_IDS = 16;

/** The queue of an agent, bound to the fanout exchanges of several topics. */
export class Subscription implements Attachment {
  readonly #options: SubscriptionOptions;
  #pending: ConsumeMessage[] = [];
  #working: Promise<void> | undefined;
  #channel: Channel | undefined;
  #checking: NodeJS.Timeout | undefined;
  /** Messages that were in the queue before this agent connected. */
  #backlog = 0;
  /** True when another process had the queue when this one connected. */
  #standBy = false;
  readonly #seen: string[] = [];

  constructor(connection: BrokerConnection, options: SubscriptionOptions) {
    this.#options = options;
    connection.attach(this);
  }

  async connected(model: ChannelModel): Promise<void> {
    const { topics, flags } = this.#options;
    const exchanges = topics.map((topic) => fanoutExchange(topic, flags));
    await ensureExchanges(model, exchanges);
    const channel = await model.createChannel();
    channel.on('error', () => {});
    // A closed channel ends the connection: the next one declares everything again.
    channel.on('close', () => void model.close().catch(() => undefined));
    const { queue, messageCount, consumerCount } = await declareOwnQueue(model, channel, this.#options.queue, flags, {
      // A second process of the same agent waits for the end of the first.
      'x-single-active-consumer': true,
    });
    await bindTopics(model, queue, exchanges);
    await channel.prefetch(MOST_UNACKNOWLEDGED);
    this.#backlog = messageCount;
    this.#standBy = consumerCount > 0;
    this.#channel = channel;
    await channel.consume(queue, (message) => {
      if (message === null) void model.close().catch(() => undefined);
      else this.#take(message);
    });
    if (this.#standBy)
      this.#options.log.info({ queue }, 'another process of this agent is active: this one is standby');
    this.#watchBindings(model, queue, exchanges);
    this.#options.onConnected(messageCount);
  }

  disconnected(): void {
    clearInterval(this.#checking);
    this.#channel = undefined;
    this.#pending = [];
    this.#options.onDisconnected();
  }

  #watchBindings(model: ChannelModel, queue: string, exchanges: readonly Exchange[]): void {
    const { log, onRebound } = this.#options;
    let checks = 0;
    let busy = false;
    const check = async () => {
      checks += 1;
      const isThere = await isBound(model, queue);
      if (isThere && (checks % CHECKS_PER_BINDING > 0 || (await repeatBindings(model, queue, exchanges)))) return;
      await ensureExchanges(model, exchanges);
      await bindTopics(model, queue, exchanges);
      log.warn({ queue }, 'the bindings of this queue were removed at the broker and are restored');
      onRebound();
    };
    this.#checking = setInterval(() => {
      if (busy) return;
      busy = true;
      // A failed check ends the connection or is repeated at the next interval.
      check()
        .catch(() => undefined)
        .finally(() => {
          busy = false;
        });
    }, BINDING_CHECK_MS);
  }

  #take(message: ConsumeMessage): void {
    this.#pending.push(message);
    // Messages that arrive together form a batch.
    this.#working ??= new Promise((resolve) => setImmediate(resolve))
      .then(() => this.#work())
      .finally(() => {
        this.#working = undefined;
      });
  }

  /** Resolves when no message is being forwarded. After the end of the connection none will be. */
  async idle(): Promise<void> {
    await this.#working;
  }

  async #work(): Promise<void> {
    while (this.#pending.length > 0) {
      const channel = this.#channel;
      if (this.#standBy) {
        this.#standBy = false;
        this.#options.onTakenOver();
      }
      const taken = this.#pending.splice(0);
      const messages = taken.flatMap((message) => this.#read(message));
      if (!(await this.#handOn(messages, channel))) continue;
      this.#backlog = Math.max(0, this.#backlog - taken.length);
      this.#acknowledge(taken, channel);
    }
  }

  /** The broker delivers again what is not acknowledged, as when the connection closes meanwhile. */
  #acknowledge(messages: readonly ConsumeMessage[], channel: Channel | undefined): void {
    try {
      for (const message of messages) if (this.#channel === channel) channel?.ack(message);
    } catch (error) {
      this.#options.log.warn({ queue: this.#options.queue, reason: messageOf(error) }, 'messages not acknowledged');
    }
  }

  /**
   * Repeat until the messages are taken; false when the connection is lost before, since the broker then delivers them again. They are not requeued
   * meanwhile: a quorum queue drops messages that were requeued too often.
   */
  async #handOn(messages: Incoming[], channel: Channel | undefined): Promise<boolean> {
    const { log, queue, onMessages } = this.#options;
    while (this.#channel === channel) {
      try {
        if (messages.length > 0) await onMessages(messages, this.#backlog > 0);
        return true;
      } catch (error) {
        const reason = messageOf(error);
        log.error({ queue, reason }, 'messages were not forwarded: retried');
        await sleep(AGAIN_MS);
      }
    }
    return false;
  }

  #read(message: ConsumeMessage): Incoming[] {
    const incoming = this.#decode(message);
    if (incoming === undefined) return [];
    const { uniqueId } = incoming;
    if (uniqueId !== undefined && !message.fields.redelivered) {
      if (this.#seen.includes(uniqueId)) return [];
      this.#seen.push(uniqueId);
      if (this.#seen.length > REMEMBERED_IDS) this.#seen.shift();
    }
    return [incoming];
  }

  #decode({ content, properties }: ConsumeMessage): Incoming | undefined {
    const { log, queue } = this.#options;
    try {
      const incoming = decodeMessage(uncompressed(content, properties.headers));
      if (incoming === undefined) log.warn({ queue }, 'message dropped: not of oslo.messaging');
      return incoming;
    } catch (error) {
      if (!(error instanceof NeutronError)) throw error;
      log.error({ queue, reason: error.message, advice: error.advice }, 'unreadable message dropped');
      return undefined;
    }
  }
}
