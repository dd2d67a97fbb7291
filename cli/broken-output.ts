import { EXIT } from './exit-codes.ts';

/** End when the reader of the result is gone; continue when only the reader of the progress is gone. */
export function endWhenOutputBreaks(): void {
  process.stderr.on('error', () => {});
  process.stdout.on('error', ({ code, message }: NodeJS.ErrnoException) => {
    // The reader has closed the pipe, as `head` does.
    if (code === 'EPIPE') process.exit();
    process.stderr.write(`zvmnet: cannot write the result: ${message}\n`);
    process.exit(EXIT.failed);
  });
}
