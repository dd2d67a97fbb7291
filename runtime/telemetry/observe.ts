import type { TracingChannel } from 'node:diagnostics_channel';

/**
 * Observe each piece of work of a channel: `begin` is called at its start, and its answer at the end, with the error of one that failed.
 * Ends by the function that it answers.
 */
export function observe<Seen extends object>(
  channel: TracingChannel<unknown, Seen>,
  begin: (seen: Seen) => (error: unknown) => void,
): () => void {
  const open = new WeakMap<Seen, (error: unknown) => void>();
  const nothing = () => undefined;
  const subscribers = {
    start: (seen: Seen) => void open.set(seen, begin(seen)),
    end: nothing,
    asyncStart: nothing,
    asyncEnd: (seen: Seen & { error?: unknown }) => open.get(seen)?.(seen.error),
    error: nothing,
  };
  channel.subscribe(subscribers);
  return () => void channel.unsubscribe(subscribers);
}
