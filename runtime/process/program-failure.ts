/**
 * End the program with 1 and what has failed. What it has started, and its connections to others, would keep it up: it has to end for whoever
 * started it to see that, and to start it again.
 */
export function endWithFailure(failure: unknown, advice = ''): never {
  process.stderr.write(`${failure instanceof Error ? failure.message : String(failure)}${advice}\n`);
  process.exit(1);
}
