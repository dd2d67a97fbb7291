import { followOperation, type Standing } from '../client/follow-operation.ts';
import { describeOperation, type OperationDetails } from '../client/operations.ts';
import {
  hostOf,
  type OperationRequest,
  requestDigest,
  type StartedOperation,
  startOperation,
  summaryOf,
  workflowIdFor,
} from '../client/start-operation.ts';
import { defined } from '../domain/defined.ts';
import { definitionOf } from '../domain/operations/operations.ts';
import { goneWhileWaiting } from './action.ts';
import { CommandFailure, EXIT, type ExitCode } from './exit-codes.ts';
import { LiveSteps } from './live-steps.ts';
import { showOutcome } from './outcome.ts';
import { colourAside } from './output.ts';
import type { Session } from './session.ts';

/** An operation for programs, with its page in the Temporal UI. */
export type ToldOperation = OperationDetails & { run?: string };

/** Start an operation, show live which step is running, and print its outcome. Returns the exit code. */
export async function runOperation(session: Session, request: OperationRequest, wait: boolean): Promise<ExitCode> {
  const operation = await perform(session, request, wait);
  session.output.result(operation, () => showOutcome(session.output, operation));
  return exitCodeOf(operation);
}

/** The same for several operations, one after another; the first failure decides the exit code. */
export async function runOperations(
  session: Session,
  requests: readonly OperationRequest[],
  wait: boolean,
): Promise<ExitCode> {
  const [only, ...others] = requests;
  if (only !== undefined && others.length === 0) return runOperation(session, only, wait);
  const operations: ToldOperation[] = [];
  for (const request of requests) {
    const operation = await perform(session, request, wait);
    operations.push(operation);
    if (!session.output.json) showOutcome(session.output, operation);
  }
  if (session.output.json) session.output.document({ operations });
  return operations.map(exitCodeOf).find((code) => code !== EXIT.ok) ?? EXIT.ok;
}

/**
 * Operations that go on side by side: all are started, then followed to their ends, with a summary of their outcomes. The first failure decides
 * the exit code.
 */
export async function runTogether(
  session: Session,
  requests: readonly OperationRequest[],
  wait: boolean,
): Promise<ExitCode> {
  const { output } = session;
  const [only, ...others] = requests;
  if (only !== undefined && others.length === 0) return runOperation(session, only, wait);
  const begun: { request: OperationRequest; one: Begun }[] = [];
  for (const request of requests) begun.push({ request, one: await begin(session, request) });
  const operations: ToldOperation[] = [];
  for (const { request, one } of begun) {
    const operation = await endOf(session, request, one, wait);
    operations.push(operation);
    if (output.json) continue;
    output.print(summaryOf(request));
    showOutcome(output, operation);
  }
  const counts = new Map([...Map.groupBy(operations, wordOn)].map(([word, those]) => [word, those.length] as const));
  const words = [...counts].map(([word, count]) => `${count} ${word}`).join(', ');
  if (output.json) output.document({ summary: Object.fromEntries(counts), operations });
  else output.print(`${operations.length} operations: ${words === '' ? 'nothing to do' : words}`);
  return operations.map(exitCodeOf).find((code) => code !== EXIT.ok) ?? EXIT.ok;
}

/** An operation's outcome in a word: the one that it is found by, or else its state. */
function wordOn({ outcome, state, failure }: OperationDetails): string {
  if (failure?.type === 'Refused') return 'refused';
  return outcome ?? state;
}

type Begun = { started: StartedOperation; run: string | undefined };

/**
 * Start an operation and follow it to its end, or just start it. Throws a CommandFailure on Ctrl-C, and when another one with its id is in
 * progress.
 */
export async function perform(
  session: Session,
  request: OperationRequest,
  wait: boolean,
  besides?: object,
): Promise<ToldOperation> {
  return endOf(session, request, await begin(session, request, besides), wait);
}

async function begin(session: Session, request: OperationRequest, besides?: object): Promise<Begun> {
  const client = await session.client();
  const lock = definitionOf(request.type).lock === undefined ? undefined : { digest: requestDigest(request) };
  const options = { workflowId: workflowIdFor(request), origin: session.origin, ...defined({ lock, besides }) };
  const started = await startOperation(client, request, options);
  const { id, conflict } = started;
  if (conflict !== undefined)
    throw new CommandFailure(
      EXIT.refused,
      `Operation ${id} is in progress. Wait for its end, or cancel it: zvmnet ops cancel '${id}'`,
    );
  return { started, run: await announce(session, request, started) };
}

async function endOf(
  session: Session,
  request: OperationRequest,
  { started, run }: Begun,
  wait: boolean,
): Promise<ToldOperation> {
  const { id, runId } = started;
  const operation = wait
    ? await followToEnd(session, request, started)
    : await describeOperation(await session.client(), id, runId);
  if (operation === undefined) throw new CommandFailure(EXIT.notFound, `Operation ${id} no longer exists.`);
  return { ...operation, ...defined({ run }) };
}

/** Announce the operation and the page of its run. */
async function announce(
  session: Session,
  request: OperationRequest,
  started: StartedOperation,
): Promise<string | undefined> {
  const run = session.runUrl(started);
  session.output.tell(`${summaryOf(request)}${run === undefined ? '' : `\n  ${colourAside('dim', run)}`}`);
  await session.warnWithoutWorker(hostOf(request), 'the operation');
  return run;
}

async function followToEnd(
  session: Session,
  { input }: OperationRequest,
  started: StartedOperation,
): Promise<OperationDetails | undefined> {
  const steps = new LiveSteps();
  const guest = 'userid' in input ? { host: input.host, userid: input.userid } : undefined;
  const tell = (standing: Standing) => steps.show(standing);
  const goesOn = `The operation continues. See: zvmnet ops show '${started.id}'. Cancel it and roll it back: zvmnet ops cancel '${started.id}'`;
  try {
    const ended = await followOperation(await session.client(), started, guest, tell, session.signal);
    if (!session.signal.aborted) return ended;
  } catch (error) {
    throw goneWhileWaiting(error, session, goesOn);
  } finally {
    steps.end();
  }
  throw new CommandFailure(EXIT.interrupted, goesOn);
}

/** The exit code of a command for the outcome of its operation. */
export function exitCodeOf({ state, failure }: Pick<OperationDetails, 'state' | 'failure'>): ExitCode {
  if (failure?.type === 'Refused') return EXIT.refused;
  if (state === 'cancelled' || state === 'terminated') return EXIT.cancelled;
  return state === 'completed' || state === 'running' ? EXIT.ok : EXIT.failed;
}
