import type { Channel, ChannelModel } from 'amqplib';
import { messageOf } from '../domain/text/error-message.ts';
import { NeutronError } from './errors.ts';

/**
 * The flags with which a deployment declares exchanges and queues: oslo.messaging's options in [oslo_messaging_rabbit]
 * (docs/reference/neutron.md 2.1).
 */
/** An exchange, with the flags to declare it when it is missing. */
export type ExchangeFlags = {
  /** The control exchange and the topic queues: `amqp_durable_queues` or `rabbit_quorum_queue`. */
  durable: boolean;
  autoDelete: boolean;
  /** Fanout exchanges: `rabbit_transient_quorum_queue`. */
  durableFanout: boolean;
  /** Queues replicated over the brokers of a cluster: `rabbit_quorum_queue` or `rabbit_transient_quorum_queue`. */
  quorumQueues: boolean;
};

export type Exchange = { name: string; type: 'topic' | 'fanout'; durable: boolean; autoDelete: boolean };

/** The exchange for calls and casts. */
export function controlExchange(name: string, { durable, autoDelete }: ExchangeFlags): Exchange {
  return { name, type: 'topic', durable, autoDelete };
}

/** The exchange for casts to all listeners of a topic. oslo.messaging deletes it with its last queue, even a durable one. */
export function fanoutExchange(topic: string, { durableFanout }: ExchangeFlags): Exchange {
  return { name: `${topic}_fanout`, type: 'fanout', durable: durableFanout, autoDelete: true };
}

/**
 * Declare missing exchanges. Existing ones stay as the server declared them: a declaration with other flags would close the channel. Throws a
 * NeutronError 'exchange' when the broker refuses one.
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

/** Do `work` on a separate channel, since a refusal closes the channel. */
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

/** The NeutronError of a refused declaration, or the error itself. `subject` is `exchange neutron` or `queue agent`. */
export function refusedBy(error: unknown, subject: string): unknown {
  const code = codeOf(error);
  const reason = messageOf(error);
  if (code === 406) return new NeutronError('exchange', `declare ${subject}`, reason);
  if (code === 403) return new NeutronError('unauthorised', `declare ${subject}`, reason);
  return error;
}

/** The broker's reply code, if there is one. */
export function codeOf(error: unknown): number | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'number' ? error.code : undefined;
}
