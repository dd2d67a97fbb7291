/**
 * Work on one guest at a time. The calls of a guest run that was terminated go on until z/VM has answered: the next run of the guest neither
 * reads nor writes before that.
 */
export type Turns = { take<Result>(name: string, work: () => Promise<Result>): Promise<Result> };

/** Create the turns of one worker. */
export function createTurns(): Turns {
  const last = new Map<string, Promise<unknown>>();
  return {
    async take(name, work) {
      const before = last.get(name) ?? Promise.resolve();
      const result = before.then(work, work);
      const ended = result.then(
        () => undefined,
        () => undefined,
      );
      last.set(name, ended);
      try {
        return await result;
      } finally {
        if (last.get(name) === ended) last.delete(name);
      }
    },
  };
}
