import { isGrpcServiceError, TimeoutFailure } from '@temporalio/client';
import type { Command } from 'commander';
import { z } from 'zod';
import { deepestCause, failureOf } from '../client/operations.ts';
import { ConfigurationError } from '../configuration/error.ts';
import { CommandFailure, EXIT, type ExitCode } from './exit-codes.ts';
import { colourAside } from './output.ts';
import { Session, SessionOptions } from './session.ts';

/** The work of a command: from a session, its arguments and its options to the exit code. */
export type Work<Options extends z.ZodType> = (
  session: Session,
  args: string[],
  options: z.output<Options>,
) => Promise<ExitCode>;

/** A command's action for commander: checks the options, opens a session, and reports a failure. */
export function action<Options extends z.ZodType>(options: Options, work: Work<Options>) {
  return async function run(this: Command): Promise<void> {
    const given: unknown = this.optsWithGlobals();
    const interrupt = new AbortController();
    const stop = () => interrupt.abort();
    process.once('SIGINT', stop);
    let session: Session | undefined;
    try {
      const parsed = options.safeParse(given);
      if (!parsed.success) throw new CommandFailure(EXIT.usage, wordsOf(parsed.error));
      const about = SessionOptions.safeParse(given);
      if (!about.success) throw new CommandFailure(EXIT.usage, wordsOf(about.error));
      session = new Session(about.data, interrupt.signal);
      process.exitCode = await work(session, this.args, parsed.data);
    } catch (error) {
      process.exitCode = report(error, session);
    } finally {
      process.off('SIGINT', stop);
      await session?.close();
    }
  };
}

/** An argument in exact form. Throws a CommandFailure that names the valid form. */
export function argument<Schema extends z.ZodType>(schema: Schema, words: string): z.output<Schema> {
  const parsed = schema.safeParse(words);
  if (parsed.success) return parsed.data;
  throw new CommandFailure(EXIT.usage, `${words}: ${parsed.error.issues[0]?.message ?? 'is not valid'}`);
}

/** Parser of an option that is a whole number in a range; the error names the range. */
export function wholeNumber(from: number, to: number) {
  const error = `must be a whole number from ${from} to ${to}`;
  return z.coerce.number({ error }).int({ error }).min(from, { error }).max(to, { error });
}

function wordsOf(error: z.ZodError): string {
  return error.issues
    .map(
      ({ path, message }) =>
        `--${String(path[0]).replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}: ${message}`,
    )
    .join('\n');
}

/** Report a failure; for programs as JSON too. Returns the exit code. */
function report(error: unknown, session: Session | undefined): ExitCode {
  const { message, exitCode } = failureIn(error, session);
  if (session?.output.json === true) session.output.document({ error: { message, exitCode } });
  process.stderr.write(`${colourAside('red', 'zvmnet:')} ${message}\n`);
  return exitCode;
}

function noNamespace(session: Session | undefined): string {
  const { namespace = '', connection } = session?.target ?? {};
  return `Temporal at ${connection?.address ?? 'localhost:7233'} has no namespace ${namespace}. Give --namespace, or set TEMPORAL_NAMESPACE.`;
}

const UNREAD = "No worker answered in time. See the workers of the host by 'zvmnet hosts'.";

// gRPC's DEADLINE_EXCEEDED and UNAVAILABLE.
const UNANSWERED = new Set<number>([4, 14]);

/** The message and the exit code of an error. */
export function failureIn(error: unknown, session: Session | undefined): { message: string; exitCode: ExitCode } {
  if (error instanceof CommandFailure) return error;
  if (error instanceof ConfigurationError) return { message: error.message, exitCode: EXIT.usage };
  const cause = deepestCause(error);
  // Only readings have a timeout: a worker that has just ended still counts as running.
  if (cause instanceof TimeoutFailure) return { message: UNREAD, exitCode: EXIT.unavailable };
  const { type, message } = failureOf(cause);
  if (/namespace\b.*\bnot found/is.test(message)) return { message: noNamespace(session), exitCode: EXIT.unavailable };
  if (isGrpcServiceError(cause) && UNANSWERED.has(cause.code)) return { message, exitCode: EXIT.unavailable };
  if (type === 'Refused') return { message, exitCode: EXIT.notFound };
  return { message, exitCode: EXIT.failed };
}

/** The error to throw when Temporal was lost during a wait: it names the operation that continues. */
export function goneWhileWaiting(error: unknown, session: Session, goesOn: string): unknown {
  const { message, exitCode } = failureIn(error, session);
  if (exitCode !== EXIT.unavailable) return error;
  return new CommandFailure(exitCode, `Temporal no longer answers: ${message}\n${goesOn}`);
}
