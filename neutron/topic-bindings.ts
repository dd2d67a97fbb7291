import type { Channel, ChannelModel } from 'amqplib';
import { codeOf, type Exchange, onOwnChannel, refusedBy } from './exchanges.ts';

/**
 * Bind an agent's queue to the existing fanout exchanges of topics, through an exchange of its own with the queue's name. AMQP cannot query a binding.
 * The broker deletes that exchange with its only binding, so the binding exists as long as the exchange does. Throws a NeutronError when the broker
 * refuses.
 */
export async function bindTopics(model: ChannelModel, queue: string, topics: readonly Exchange[]): Promise<void> {
  try {
    await onOwnChannel(model, async (channel) => {
      await channel.assertExchange(queue, 'fanout', { durable: true, autoDelete: true });
      await channel.bindQueue(queue, queue, '');
      await bindToTopics(channel, queue, topics);
      // Earlier versions bound the queue directly: each message would arrive twice.
      for (const { name } of topics) await channel.unbindQueue(queue, name, '');
    });
  } catch (error) {
    throw refusedBy(error, `exchange ${queue}`);
  }
}

/** True while the queue's binding exists. */
export async function isBound(model: ChannelModel, queue: string): Promise<boolean> {
  return isThere(() => onOwnChannel(model, (channel) => channel.checkExchange(queue)));
}

/** Repeat the bindings of the agent's exchange, which changes nothing where they exist; false when an exchange is missing. */
export async function repeatBindings(
  model: ChannelModel,
  queue: string,
  topics: readonly Exchange[],
): Promise<boolean> {
  return isThere(() => onOwnChannel(model, (channel) => bindToTopics(channel, queue, topics)));
}

async function bindToTopics(channel: Channel, queue: string, topics: readonly Exchange[]): Promise<void> {
  for (const { name } of topics) await channel.bindExchange(queue, name, '');
}

async function isThere(look: () => Promise<unknown>): Promise<boolean> {
  try {
    await look();
    return true;
  } catch (error) {
    if (codeOf(error) === 404) return false;
    throw error;
  }
}
