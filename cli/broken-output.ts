import { EXIT } from './exit-codes.ts';

/** End when nobody takes the result any more; go on when only what is said beside it goes nowhere. */
export function endWhenOutputBreaks(): void {
  process.stderr.on('error', () => {});
  process.stdout.on('error', ({ code, message }: NodeJS.ErrnoException) => {
    // Whoever reads has seen enough, as `head` has.
    if (code === 'EPIPE') process.exit();
    process.stderr.write(`zvmnet: the result cannot be written: ${message}\n`);
    process.exit(EXIT.failed);
  });
}
