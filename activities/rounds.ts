/**
 * Share a reading: callers that come while one is under way share the next, which begins after they came. Each gets what was so after it
 * asked.
 */
export function createRounds<Argument, Result>(
  read: (argument: Argument) => Promise<Result>,
): (argument: Argument) => Promise<Result> {
  let running: Promise<unknown> | undefined;
  let next: Promise<Result> | undefined;

  const begin = (argument: Argument): Promise<Result> => {
    const result = read(argument);
    const ended = result.then(
      () => undefined,
      () => undefined,
    );
    running = ended;
    void ended.then(() => {
      if (running === ended) running = undefined;
    });
    return result;
  };

  return (argument) => {
    if (running === undefined) return begin(argument);
    next ??= running.then(() => {
      next = undefined;
      return begin(argument);
    });
    return next;
  };
}
