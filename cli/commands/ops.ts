import type { Command } from 'commander';
import { z } from 'zod';
import { followOperation, standingOf } from '../../client/follow-operation.ts';
import {
  cancelOperation,
  describeOperation,
  listOperations,
  OPERATION_OUTCOMES,
  OPERATION_STATES,
  OPERATION_TYPES,
  type OperationDetails,
  type OperationView,
} from '../../client/operations.ts';
import { PortId, Userid } from '../../domain/text/identifiers.ts';
import { action } from '../action.ts';
import { CommandFailure, EXIT, type ExitCode } from '../exit-codes.ts';
import { showOutcome } from '../outcome.ts';
import { colour, timeText } from '../output.ts';
import { plainText } from '../plain-text.ts';
import { exitCodeOf } from '../run-operation.ts';
import type { Session } from '../session.ts';
import { wholeNumber } from '../whole-number.ts';
import { examples } from './change.ts';

const ListOptions = z.object({
  guest: Userid.optional(),
  port: PortId.optional(),
  type: z.enum(OPERATION_TYPES).optional(),
  state: z.enum(OPERATION_STATES).optional(),
  outcome: z.enum(OPERATION_OUTCOMES).optional(),
  limit: wholeNumber(1, 1_000),
  idle: z.boolean().default(false),
});

/** `zvmnet ops …` */
export function opsCommands(program: Command): void {
  const ops = program.command('ops').description('Operations: what was started, and what became of it.');
  const list = ops
    .command('list')
    .description('The newest operations, of all hosts unless one is named.')
    .option('--guest <userid>', 'of this guest')
    .option('--port <uuid>', 'that touch this port')
    .option('--limit <n>', 'at most so many', '20')
    .option('--idle', 'reconciliations that found nothing to do too')
    .addHelpText('after', examples(['zvmnet ops list --outcome failed', 'zvmnet ops list --guest LNX10001 --limit 5']));
  list.addOption(list.createOption('--type <type>', 'of this type').choices(OPERATION_TYPES));
  list.addOption(list.createOption('--state <state>', 'in this state').choices(OPERATION_STATES));
  list.addOption(list.createOption('--outcome <outcome>', 'of which this came').choices(OPERATION_OUTCOMES));
  list.action(action(ListOptions, listThem));
  ops
    .command('show <operation>')
    .description('An operation: where it stands, or what became of it. Its exit code is that of the operation.')
    .option('--run <id>', 'one run of several; else the newest')
    .action(action(z.object({ run: z.string().optional() }), show));
  ops
    .command('cancel <operation>')
    .description('Stop an operation and undo what it has done.')
    .option('--no-wait', 'do not wait until it has undone it')
    .action(action(z.object({ wait: z.boolean() }), cancel));
}

async function listThem(session: Session, _args: string[], options: z.output<typeof ListOptions>): Promise<ExitCode> {
  const { guest, port, type, state, outcome, limit, idle } = options;
  const filter = {
    host: session.namedHost(),
    userid: guest,
    portId: port,
    type,
    state,
    outcome,
    withoutIdle: !idle && outcome === undefined,
  };
  const operations = (await listOperations(await session.client(), filter, limit)).map((each) =>
    withRun(session, each),
  );
  session.output.result({ operations }, () =>
    session.output.table(
      ['STARTED', 'OPERATION', 'HOST', 'GUEST', 'OUTCOME', 'ID'],
      operations.map((each) => [
        timeText(each.startedAt),
        each.type,
        each.host || '–',
        each.userid ?? '–',
        outcomeText(each),
        each.id,
      ]),
      'No such operation.',
    ),
  );
  return EXIT.ok;
}

function withRun<Operation extends OperationView>(session: Session, operation: Operation) {
  const run = session.runUrl(operation);
  return { ...operation, ...(run === undefined ? {} : { run }) };
}

function outcomeText({ state, outcome }: OperationView): string {
  // While it waits for its guest its outcome says so.
  if (state === 'running') return colour('blue', outcome ?? state);
  if (state === 'completed' && outcome !== 'failed' && outcome !== 'refused') return colour('green', outcome ?? state);
  return colour('red', outcome ?? state);
}

/** Throws a CommandFailure when there is none. */
async function find(session: Session, id: string, run?: string): Promise<OperationDetails> {
  const operation = await describeOperation(await session.client(), id, run);
  if (operation === undefined) throw new CommandFailure(EXIT.notFound, `There is no operation ${id}.`);
  return operation;
}

async function show(session: Session, [id = '']: string[], options: { run?: string | undefined }): Promise<ExitCode> {
  const operation = withRun(session, await find(session, id, options.run));
  const standing = operation.state === 'running' ? await standingText(session, operation) : undefined;
  const { output } = session;
  output.result(operation, () => {
    const { type, host, userid, state, startedAt, closedAt, summary, run } = operation;
    output.print(`${summary ?? type}`);
    output.print(
      `${type} on ${host}${userid === undefined ? '' : ` for ${userid}`}: ${outcomeText(operation)}, started ${timeText(startedAt)}${closedAt === undefined ? '' : `, ended ${timeText(closedAt)}`}`,
    );
    if (run !== undefined) output.print(run);
    if (state === 'running') output.print(plainText(standing ?? 'No worker answers where it stands.'));
    else showOutcome(session.output, operation);
  });
  return exitCodeOf(operation);
}

/** What it says of itself; while the run of its guest works for it, what that one says: which step, and why it is tried again. */
async function standingText(session: Session, { id, host, userid }: OperationDetails): Promise<string | undefined> {
  const guest = userid === undefined ? undefined : { host, userid };
  const { details, steps } = await standingOf(await session.client(), id, guest);
  return steps ?? details;
}

async function cancel(session: Session, [id = '']: string[], { wait }: { wait: boolean }): Promise<ExitCode> {
  const client = await session.client();
  const operation = await find(session, id);
  if (operation.state !== 'running' || !(await cancelOperation(client, operation.id)))
    throw new CommandFailure(EXIT.refused, `Operation ${id} is not running: it is ${operation.state}.`);
  session.output.tell(`${id} is asked to stop and to undo what it has done.`);
  if (wait) await session.tellIfNobodyWorks(operation.host, 'it');
  const ended = wait ? await followOperation(client, operation, undefined, () => {}, session.signal) : undefined;
  if (session.signal.aborted)
    throw new CommandFailure(EXIT.interrupted, `It goes on undoing what it has done. See: zvmnet ops show '${id}'`);
  const after = withRun(session, ended ?? (await find(session, id, operation.runId)));
  session.output.result(after, () => {
    session.output.print(`${id}: ${outcomeText(after)}`);
    if (after.failure !== undefined) showOutcome(session.output, after);
  });
  return after.failure === undefined ? EXIT.ok : exitCodeOf(after);
}
