import { type NativeConnection, Worker } from '@temporalio/worker';
import { PRESENCE_QUEUE, type WorkerIdentity } from '../client/worker-identity.ts';

/** Be there at the queue by which hosts are known. No work comes by it. */
export function createPresence(
  connection: NativeConnection,
  namespace: string,
  { identity }: WorkerIdentity,
): Promise<Worker> {
  return Worker.create({
    connection,
    namespace,
    identity,
    taskQueue: PRESENCE_QUEUE,
    activities: { beThere: async () => undefined },
    maxConcurrentActivityTaskExecutions: 1,
  });
}
