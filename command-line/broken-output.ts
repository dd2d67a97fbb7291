/** End when the reader of the result is gone, as `head` is after its lines; continue when only the reader of the progress is gone. */
export function endWhenOutputBreaks(program: string): void {
  process.stderr.on('error', () => {});
  process.stdout.on('error', ({ code, message }: NodeJS.ErrnoException) => {
    if (code === 'EPIPE') process.exit();
    process.stderr.write(`${program}: cannot write the result: ${message}\n`);
    process.exit(1);
  });
}
