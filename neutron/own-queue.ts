import type { Channel, ChannelModel, Options, Replies } from 'amqplib';
import { codeOf, type ExchangeFlags, onOwnChannel, refusedBy } from './exchanges.ts';

/** A queue that nobody reads is kept as long as oslo.messaging's own are. */
const EXPIRES_MS = 1_800_000;
const MOST_NAMES = 4;

/**
 * Declare a queue of this agent's own: a quorum queue where the deployment has them, so that it outlives a broker of a cluster. Another is
 * away with the broker that holds it, and one of the next name stands in: the answer names it. A queue that was declared by other flags
 * before is replaced unless somebody reads it. Messages are missed in both cases, but whoever connects anew asks for everything. Throws a
 * NeutronError when the broker refuses.
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

/** Why a queue cannot be declared; undefined when it is there. */
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
