import type { Channel, ChannelModel, Options, Replies } from 'amqplib';
import { codeOf, type ExchangeFlags, onOwnChannel, refusedBy } from './exchanges.ts';

/** An unread queue expires after the same time as those of oslo.messaging. */
const EXPIRES_MS = 1_800_000;
const MOST_NAMES = 4;

/**
 * Declare a queue of this agent: a quorum queue where the deployment uses them, so that it outlives a broker of a cluster. A classic queue is lost
 * with its broker; a queue of the next name replaces it, and the answer names that. An unread queue that was declared with other flags is replaced.
 * Both cases lose messages, but an agent that reconnects reads everything again. Throws a NeutronError when the broker refuses.
 */
export async function declareOwnQueue(
  model: ChannelModel,
  channel: Channel,
  name: string,
  { quorumQueues }: Pick<ExchangeFlags, 'quorumQueues'>,
  more: Record<string, unknown> = {},
): Promise<Replies.AssertQueue> {
  const options: Options.AssertQueue = {
    durable: true,
    expires: EXPIRES_MS,
    arguments: { ...more, ...(quorumQueues ? { 'x-queue-type': 'quorum' } : {}) },
  };
  for (let count = 1; ; count += 1) {
    const queue = count === 1 ? name : `${name}.${count}`;
    const refusal = await refusalOf(model, queue, options);
    if (refusal === undefined) return channel.assertQueue(queue, options);
    const isAway = codeOf(refusal) === 404;
    if (!isAway || count === MOST_NAMES) throw refusedBy(refusal, `queue ${queue}`);
  }
}

/** The reason why a queue cannot be declared; undefined when it is declared. */
async function refusalOf(model: ChannelModel, queue: string, options: Options.AssertQueue): Promise<unknown> {
  const declare = () => onOwnChannel(model, (channel) => channel.assertQueue(queue, options));
  const remove = () => onOwnChannel(model, (channel) => channel.deleteQueue(queue, { ifUnused: true }));
  try {
    await declare().catch(async (error: unknown) => {
      if (codeOf(error) !== 406) throw error;
      await remove().catch(() => {
        throw error;
      });
      await declare();
    });
    return undefined;
  } catch (error) {
    return error;
  }
}
