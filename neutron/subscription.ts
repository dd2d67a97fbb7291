import { setTimeout as sleep } from 'node:timers/promises';
import type { Channel, ChannelModel, ConsumeMessage } from 'amqplib';
import type { Attachment, BrokerConnection, BrokerLog } from './broker-connection.ts';
import { uncompressed } from './compression.ts';
import { decodeMessage, type Incoming } from './envelope.ts';
import { NeutronError } from './errors.ts';
import { type Exchange, type ExchangeFlags, ensureExchanges, fanoutExchange } from './exchanges.ts';
import { declareOwnQueue } from './own-queue.ts';
import { bindAgain, bindTopics, isBound } from './topic-bindings.ts';

export type SubscriptionOptions = {
  /** The queue's own name, the same at every start: messages sent while nobody listens wait in it. */
  queue: string;
  /** Topics whose fanouts are wanted. */
  topics: readonly string[];
  flags: ExchangeFlags;
  log: BrokerLog;
  /** Called at each connection with the number of messages that waited. */
  onConnected(backlog: number): void;
  onDisconnected(): void;
  /** Called when the queue's bindings were removed at the broker and are made again: messages may have been missed. */
  onBoundAgain(): void;
  /** Called before the first messages on a connection when another process has had those before them. */
  onTakenOver(): void;
  /**
   * Messages in the order in which they came, several at a time when they come fast. They are acknowledged when the promise resolves; when
   * it rejects it is called again.
   */
  onMessages(messages: Incoming[], backlog: boolean): Promise<void>;
};

const MOST_UNACKNOWLEDGED = 500;
const AGAIN_MS = 1_000;
/** A broker forgets bindings at an operator's word, and nobody is told: the queue is silent then. */
const BINDING_CHECK_MS = 10_000;
/** The topics' side of them cannot be asked for, only made again, which costs the broker more. */
const CHECKS_PER_BINDING = 6;
/** oslo.messaging's duplicate filter remembers as many. */
const REMEMBERED_IDS = 16;

/** A queue of this agent's own that gets the fanouts of several topics. */
export class Subscription implements Attachment {
  readonly #options: SubscriptionOptions;
  #pending: ConsumeMessage[] = [];
  #working: Promise<void> | undefined;
  #channel: Channel | undefined;
  #checking: NodeJS.Timeout | undefined;
  /** Messages that were in the queue before this agent came. */
  #backlog = 0;
  /** Another process had the queue when this one came. */
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
    // Whatever closes it, everything is declared anew on the next connection.
    channel.on('close', () => void model.close().catch(() => undefined));
    const { queue, messageCount, consumerCount } = await declareOwnQueue(model, channel, this.#options.queue, flags, {
      // A second process of the same agent waits until the first is gone.
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
      this.#options.log.info({ queue }, 'another process of this agent is at work: this one waits for its end');
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
    const { log, onBoundAgain } = this.#options;
    let checks = 0;
    let busy = false;
    const check = async () => {
      checks += 1;
      const isThere = await isBound(model, queue);
      if (isThere && (checks % CHECKS_PER_BINDING > 0 || (await bindAgain(model, queue, exchanges)))) return;
      await ensureExchanges(model, exchanges);
      await bindTopics(model, queue, exchanges);
      log.warn({ queue }, 'the bindings of this queue were removed at the broker: it is bound again');
      onBoundAgain();
    };
    this.#checking = setInterval(() => {
      if (busy) return;
      busy = true;
      // What goes wrong here is the connection's end, or is asked again.
      check()
        .catch(() => undefined)
        .finally(() => {
          busy = false;
        });
    }, BINDING_CHECK_MS);
  }

  #take(message: ConsumeMessage): void {
    this.#pending.push(message);
    // What arrives in one go is handed on together.
    this.#working ??= new Promise((resolve) => setImmediate(resolve))
      .then(() => this.#work())
      .finally(() => {
        this.#working = undefined;
      });
  }

  /** Ends when nothing is being handed on; with the connection closed, nothing will be any more. */
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
      for (const message of taken) if (this.#channel === channel) channel?.ack(message);
    }
  }

  /**
   * Until they are taken; false when the connection is lost before, and they come again. They are not given back to the broker meanwhile: a
   * quorum queue drops what was given back too often.
   */
  async #handOn(messages: Incoming[], channel: Channel | undefined): Promise<boolean> {
    const { log, queue, onMessages } = this.#options;
    while (this.#channel === channel) {
      try {
        if (messages.length > 0) await onMessages(messages, this.#backlog > 0);
        return true;
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        log.error({ queue, reason }, 'messages could not be handed on: tried again');
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
      if (incoming === undefined) log.warn({ queue }, 'a message that is none of oslo.messaging was left out');
      return incoming;
    } catch (error) {
      if (!(error instanceof NeutronError)) throw error;
      log.error({ queue, reason: error.message, advice: error.advice }, 'a message that cannot be read was left out');
      return undefined;
    }
  }
}
