import type { Channel, ChannelModel } from 'amqplib';
import { NeutronError } from './errors.ts';

/** How a deployment declares its exchanges and queues; oslo.messaging's options in [oslo_messaging_rabbit] (contract neutron.md 2.1). */
/** An exchange, and how it is declared where it is not there. */
export type ExchangeFlags = {
  /** The control exchange and the topic queues: `amqp_durable_queues` or `rabbit_quorum_queue`. */
  durable: boolean;
  autoDelete: boolean;
  /** Fanout exchanges: `rabbit_transient_quorum_queue`. */
  durableFanout: boolean;
  /** Queues are replicated over a cluster's brokers: `rabbit_quorum_queue` or `rabbit_transient_quorum_queue`. */
  quorumQueues: boolean;
};

export type Exchange = { name: string; type: 'topic' | 'fanout'; durable: boolean; autoDelete: boolean };

/** The exchange that calls and casts go to. */
export function controlExchange(name: string, { durable, autoDelete }: ExchangeFlags): Exchange {
  return { name, type: 'topic', durable, autoDelete };
}

/** The exchange that casts to all listeners of a topic go to: oslo.messaging has them deleted with their last queue, durable ones too. */
export function fanoutExchange(topic: string, { durableFanout }: ExchangeFlags): Exchange {
  return { name: `${topic}_fanout`, type: 'fanout', durable: durableFanout, autoDelete: true };
}

/**
 * See that exchanges are there: those that are stay as the server made them, since a declaration with other flags would close the channel;
 * those that are not are declared. Throws a NeutronError 'exchange' when the broker refuses one.
 */
export async function ensureExchanges(model: ChannelModel, exchanges: readonly Exchange[]): Promise<void> {
  for (const exchange of exchanges) {
    if (!(await exists(model, exchange.name))) await declare(model, exchange);
  }
}

async function exists(model: ChannelModel, name: string): Promise<boolean> {
  return onOwnChannel(model, async (channel) => {
    try {
      await channel.checkExchange(name);
      return true;
    } catch (error) {
      if (codeOf(error) === 404) return false;
      throw refusedBy(error, `exchange ${name}`);
    }
  });
}

async function declare(model: ChannelModel, { name, type, durable, autoDelete }: Exchange): Promise<void> {
  await onOwnChannel(model, async (channel) => {
    try {
      await channel.assertExchange(name, type, { durable, autoDelete });
    } catch (error) {
      throw refusedBy(error, `exchange ${name}`);
    }
  });
}

/** A refusal closes its channel: each question has its own. */
export async function onOwnChannel<Result>(
  model: ChannelModel,
  work: (channel: Channel) => Promise<Result>,
): Promise<Result> {
  const channel = await model.createChannel();
  channel.on('error', () => {});
  let open = true;
  channel.on('close', () => {
    open = false;
  });
  try {
    return await work(channel);
  } finally {
    if (open) await channel.close().catch(() => undefined);
  }
}

/** What the broker's refusal of a declaration is to callers; `what` is `exchange neutron` or `queue agent`. */
export function refusedBy(error: unknown, what: string): unknown {
  const code = codeOf(error);
  const reason = error instanceof Error ? error.message : String(error);
  if (code === 406) return new NeutronError('exchange', `declare ${what}`, reason);
  if (code === 403) return new NeutronError('unauthorised', `declare ${what}`, reason);
  return error;
}

/** The broker's reply code, when it gave one. */
export function codeOf(error: unknown): number | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'number' ? error.code : undefined;
}
