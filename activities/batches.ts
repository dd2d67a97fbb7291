import type { Batch } from '../workflows/guest-request.ts';

// Members of a window come as fast as the Temporal server hands out their tasks; one that has nothing to do in this stage never comes.
const QUIET_MS = 500;
const LONGEST_MS = 5_000;

/** Where requests of one window wait for each other, so that they share calls. */
export type Batches = {
  /** Resolves when all of the window have come, or none has for a while. At once for a request that belongs to no window. */
  arrive(stage: string, batch: Batch | undefined): Promise<void>;
};

type Group = { came: number; open: PromiseWithResolvers<void>; quiet: NodeJS.Timeout; latest: NodeJS.Timeout };

/** Create a gatherer for one worker. Members of a window that other workers carry out are not waited for longer than the quiet time. */
export function createBatches(quietMs = QUIET_MS, longestMs = LONGEST_MS): Batches {
  const groups = new Map<string, Group>();

  const open = (key: string, group: Group) => {
    clearTimeout(group.quiet);
    clearTimeout(group.latest);
    if (groups.get(key) === group) groups.delete(key);
    group.open.resolve();
  };

  const groupOf = (key: string): Group => {
    const existing = groups.get(key);
    if (existing !== undefined) return existing;
    const group: Group = {
      came: 0,
      open: Promise.withResolvers<void>(),
      quiet: setTimeout(() => open(key, group), quietMs),
      latest: setTimeout(() => open(key, group), longestMs),
    };
    groups.set(key, group);
    return group;
  };

  return {
    async arrive(stage, batch) {
      if (batch === undefined || batch.size <= 1) return;
      const key = `${batch.window} ${stage}`;
      const group = groupOf(key);
      group.came += 1;
      if (group.came >= batch.size) open(key, group);
      else group.quiet.refresh();
      await group.open.promise;
    },
  };
}
