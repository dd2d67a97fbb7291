import { askedOf } from '../client/asked.ts';
import { type Beginning, type Begun, beginOperation } from '../client/begin-operation.ts';
import { followOperation, type Standing } from '../client/follow-operation.ts';
import { describeOperation, type OperationDetails } from '../client/operations.ts';
import { goneWhileWaiting } from './action.ts';
import { CommandFailure, EXIT, type ExitCode } from './exit-codes.ts';
import { LiveSteps } from './live-steps.ts';
import { showOutcome } from './outcome.ts';
import { colourAside } from './output.ts';
import type { Session } from './session.ts';

/** An operation as programs get it: what became of it, and its page in the Temporal UI. */
export type ToldOperation = OperationDetails & { run?: string };

/** Start an operation, show live which step is running, and say what became of it. Answers how the command ends. */
export async function runOperation(session: Session, beginning: Beginning, wait: boolean): Promise<ExitCode> {
  const operation = await perform(session, beginning, wait);
  session.output.result(operation, () => showOutcome(session.output, operation));
  return exitCodeOf(operation);
}

/** The same for several, one after another; the first that fails says how the command ends. */
export async function runOperations(
  session: Session,
  beginnings: readonly Beginning[],
  wait: boolean,
): Promise<ExitCode> {
  const [only, ...others] = beginnings;
  if (only !== undefined && others.length === 0) return runOperation(session, only, wait);
  const operations: ToldOperation[] = [];
  for (const beginning of beginnings) {
    const operation = await perform(session, beginning, wait);
    operations.push(operation);
    if (!session.output.json) showOutcome(session.output, operation);
  }
  if (session.output.json) session.output.document({ operations });
  return operations.map(exitCodeOf).find((code) => code !== EXIT.ok) ?? EXIT.ok;
}

/**
 * Start an operation and follow it to its end, or just start it. Throws a CommandFailure on Ctrl-C, and when another one with its id is in
 * progress.
 */
export async function perform(session: Session, beginning: Beginning, wait: boolean): Promise<ToldOperation> {
  const client = await session.client();
  const begun = await beginOperation(client, beginning);
  if (begun.clash !== false)
    throw new CommandFailure(
      EXIT.refused,
      `${begun.id} is in progress. Wait for it, or: zvmnet ops cancel '${begun.id}'`,
    );
  const run = await announce(session, beginning, begun);
  const operation = wait
    ? await followToEnd(session, beginning, begun)
    : await describeOperation(client, begun.id, begun.runId);
  if (operation === undefined) throw new CommandFailure(EXIT.notFound, `Operation ${begun.id} has gone.`);
  return { ...operation, ...(run === undefined ? {} : { run }) };
}

/** Say what was started and where its run can be seen. */
async function announce(session: Session, beginning: Beginning, begun: Begun): Promise<string | undefined> {
  const { output } = session;
  const { host, type, input } = beginning;
  const summary = askedOf(session.target.namespace, type, input)?.summary ?? beginning.summary;
  const run = session.runUrl(begun);
  output.tell(`${summary}${run === undefined ? '' : `\n  ${colourAside('dim', run)}`}`);
  await session.tellIfNobodyWorks(host, 'the operation');
  return run;
}

async function followToEnd(
  session: Session,
  { host, userid }: Beginning,
  begun: Begun,
): Promise<OperationDetails | undefined> {
  const steps = new LiveSteps();
  const guest = userid === undefined ? undefined : { host, userid };
  const tell = (standing: Standing) => steps.show(standing);
  const goesOn = `The operation goes on. See: zvmnet ops show '${begun.id}'. Stop and undo it: zvmnet ops cancel '${begun.id}'`;
  try {
    const ended = await followOperation(await session.client(), begun, guest, tell, session.signal);
    if (!session.signal.aborted) return ended;
  } catch (error) {
    throw goneWhileWaiting(error, session, goesOn);
  } finally {
    steps.end();
  }
  throw new CommandFailure(EXIT.interrupted, goesOn);
}

/** How a command ends that an operation ended so. */
export function exitCodeOf({ state, failure }: Pick<OperationDetails, 'state' | 'failure'>): ExitCode {
  if (failure?.type === 'Refused') return EXIT.refused;
  if (state === 'cancelled' || state === 'terminated') return EXIT.cancelled;
  return state === 'completed' || state === 'running' ? EXIT.ok : EXIT.failed;
}
