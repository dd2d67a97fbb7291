import type { Channel, ChannelModel } from 'amqplib';
import { codeOf, type Exchange, onOwnChannel, refusedBy } from './exchanges.ts';

/**
 * Bind an agent's queue to the fanouts of topics, which have to be there, by way of an exchange of its own that has the queue's name. AMQP has no question for a
 * binding. That exchange has no other than the queue's, and the broker deletes it with its last one: as long as it is there, so is the binding.
 * Throws a NeutronError when the broker refuses.
 */
export async function bindTopics(model: ChannelModel, queue: string, topics: readonly Exchange[]): Promise<void> {
  try {
    await onOwnChannel(model, async (channel) => {
      await channel.assertExchange(queue, 'fanout', { durable: true, autoDelete: true });
      await channel.bindQueue(queue, queue, '');
      await bindToTopics(channel, queue, topics);
      // Agents of before have bound their queues themselves: each message would come twice.
      for (const { name } of topics) await channel.unbindQueue(queue, name, '');
    });
  } catch (error) {
    throw refusedBy(error, `exchange ${queue}`);
  }
}

/** False when the binding of the queue is gone. */
export async function isBound(model: ChannelModel, queue: string): Promise<boolean> {
  return isThere(() => onOwnChannel(model, (channel) => channel.checkExchange(queue)));
}

/** Bind the agent's exchange once more, which changes nothing where it is bound; false when an exchange to bind is not there. */
export async function bindAgain(model: ChannelModel, queue: string, topics: readonly Exchange[]): Promise<boolean> {
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
