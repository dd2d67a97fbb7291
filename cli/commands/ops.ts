import type { Command } from 'commander';
import { z } from 'zod';
import { followOperation, standingOf } from '../../client/follow-operation.ts';
import {
  cancelOperation,
  LISTED_TYPES,
  listOperations,
  OPERATION_OUTCOMES,
  OPERATION_STATES,
  type OperationDetails,
  type OperationView,
} from '../../client/operations.ts';
import type { Origin } from '../../client/origin.ts';
import { hostOf, requestOf } from '../../client/start-operation.ts';
import { defined } from '../../domain/defined.ts';
import { isOperationType, OPERATION_TYPES, parseRequest } from '../../domain/operations/operations.ts';
import { PortId, Userid } from '../../domain/text/identifiers.ts';
import { action, wholeNumber } from '../action.ts';
import { CommandFailure, EXIT, type ExitCode } from '../exit-codes.ts';
import { standingText } from '../live-steps.ts';
import { showOutcome } from '../outcome.ts';
import { colour, timeText } from '../output.ts';
import { exitCodeOf, runOperation } from '../run-operation.ts';
import type { Session } from '../session.ts';
import { ChangeOptions, changeOptions, examples } from './change.ts';
import { decisionCommands, decisionText, showWaitingPlan } from './decisions.ts';
import { endOfId, findOperation } from './find-operation.ts';
import { undoCommand } from './undo.ts';

const ListOptions = z.object({
  guest: Userid.optional(),
  port: PortId.optional(),
  by: z.string().optional(),
  approvedBy: z.string().optional(),
  type: z.enum(LISTED_TYPES).optional(),
  state: z.enum(OPERATION_STATES).optional(),
  outcome: z.enum(OPERATION_OUTCOMES).optional(),
  limit: wholeNumber(1, 1_000),
  idle: z.boolean().default(false),
});

/** `zvmnet ops …` */
export function opsCommands(program: Command): void {
  const ops = program
    .command('ops')
    .description('Operations: list, start, show, approve, reject, cancel and undo them.');
  const list = ops
    .command('list')
    .description('List operations, newest first, of all hosts or of --host.')
    .option('--guest <userid>', 'of this guest')
    .option('--port <uuid>', 'on this port')
    .option('--by <name>', 'asked for by this person or program')
    .option('--approved-by <name>', 'approved by this person')
    .option('--limit <n>', 'at most n operations', '20')
    .option('--idle', 'include reconciliations without drift')
    .addHelpText('after', examples(['zvmnet ops list --outcome failed', 'zvmnet ops list --guest LNX10001 --limit 5']));
  list.addOption(list.createOption('--type <type>', 'of this type').choices(LISTED_TYPES));
  list.addOption(list.createOption('--state <state>', 'in this state').choices(OPERATION_STATES));
  list.addOption(list.createOption('--outcome <outcome>', 'with this outcome').choices(OPERATION_OUTCOMES));
  list.action(action(ListOptions, listThem));
  const start = changeOptions(ops.command('start <type> <request>'))
    .description(
      'Start an operation of any type with its request as JSON (docs/workflows.md). --dry-run is added to the request.',
    )
    .addHelpText('after', examples([`zvmnet ops start deletePort '{"userid":"LNX10001","portId":"…"}' --dry-run`]));
  start.action(action(ChangeOptions, startFromJson));
  ops
    .command('show <operation>')
    .description('Show an operation with its progress or outcome. The exit code is that of the operation.')
    .option('--run <id>', 'one run of several; default: the newest')
    .action(action(z.object({ run: z.string().optional() }), show));
  decisionCommands(ops);
  ops
    .command('cancel <operation>')
    .description('Cancel an operation and roll it back.')
    .option('--no-wait', 'do not wait for the end of the rollback')
    .action(action(z.object({ wait: z.boolean() }), cancel));
  undoCommand(ops);
}

async function startFromJson(
  session: Session,
  [type = '', text = '']: string[],
  { wait, dryRun }: z.output<typeof ChangeOptions>,
): Promise<ExitCode> {
  if (!isOperationType(type))
    throw new CommandFailure(
      EXIT.usage,
      `${type} is not a type of operation: use one of ${OPERATION_TYPES.join(', ')}`,
    );
  const given = jsonOf(text);
  const host = 'host' in given || 'hosts' in given ? {} : { host: await session.host() };
  const parsed = parseRequest(type, { ...host, ...given, ...(dryRun ? { dryRun } : {}) });
  if (!parsed.accepted)
    throw new CommandFailure(EXIT.usage, parsed.refusals.map(({ field, reason }) => `${field}: ${reason}`).join('\n'));
  const request = requestOf(type, parsed.request);
  await session.known(hostOf(request));
  return runOperation(session, request, wait);
}

function jsonOf(text: string): object {
  try {
    return z.record(z.string(), z.unknown()).parse(JSON.parse(text));
  } catch {
    throw new CommandFailure(EXIT.usage, 'the request must be a JSON object');
  }
}

async function listThem(session: Session, _args: string[], options: z.output<typeof ListOptions>): Promise<ExitCode> {
  const { guest, port, by, approvedBy, type, state, outcome, limit, idle } = options;
  const filter = {
    host: session.namedHost(),
    userid: guest,
    portId: port,
    by,
    approvedBy,
    type,
    state,
    outcome,
    withoutIdle: !idle && outcome === undefined,
  };
  const operations = (await listOperations(await session.client(), filter, limit)).map((each) =>
    withRun(session, each),
  );
  session.output.result({ operations }, () => {
    session.output.table(
      ['STARTED', 'OPERATION', 'HOST', 'GUEST', 'OUTCOME', 'BY', 'ID'],
      operations.map((each) => [
        timeText(each.startedAt),
        each.type,
        each.host || '–',
        each.userid ?? '–',
        outcomeText(each),
        each.origin?.by ?? '–',
        each.id,
      ]),
      'No operations found.',
      {
        name: 'ID',
        short: { STARTED: (time) => time.replace(/^.* (\d\d:\d\d:\d\d) UTC$/, '$1'), ID: endOfId },
        less: ['BY', 'HOST'],
      },
    );
    for (const { id, awaits } of operations) {
      if (awaits === undefined) continue;
      session.output.print(`\n${id}`);
      showWaitingPlan(session.output, awaits);
    }
  });
  return EXIT.ok;
}

function withRun<Operation extends OperationView>(session: Session, operation: Operation) {
  return { ...operation, ...defined({ run: session.runUrl(operation) }) };
}

function outcomeText({ state, outcome }: OperationView): string {
  // The outcome of an operation in the queue of its guest is `waiting`.
  if (state === 'running') return colour('blue', outcome ?? state);
  if (state === 'completed' && outcome !== 'failed' && outcome !== 'refused') return colour('green', outcome ?? state);
  return colour('red', outcome ?? state);
}

async function show(session: Session, [id = '']: string[], options: { run?: string | undefined }): Promise<ExitCode> {
  const operation = withRun(session, await findOperation(session, id, options.run));
  const standing =
    operation.state === 'running' && operation.awaits === undefined ? await runningText(session, operation) : undefined;
  const { output } = session;
  output.result(operation, () => {
    const { type, host, userid, startedAt, closedAt, origin, summary, run } = operation;
    output.print(`${summary ?? type}`);
    output.print(
      `${type} on ${host}${userid === undefined ? '' : ` for ${userid}`}: ${outcomeText(operation)}, started ${timeText(startedAt)}${closedAt === undefined ? '' : `, ended ${timeText(closedAt)}`}`,
    );
    if (origin !== undefined) output.print(originText(origin));
    if (operation.decision !== undefined) output.print(decisionText(operation.decision));
    if (run !== undefined) output.print(run);
    if (operation.awaits !== undefined) showWaitingPlan(output, operation.awaits);
    else if (standing !== undefined) output.print(standing);
    else showOutcome(session.output, operation);
  });
  return exitCodeOf(operation);
}

/** The person or program that asked for an operation, and why: `asked for by ops@build7 (zvmnet): CHG0012345`. */
export function originText({ by, via, reason }: Origin): string {
  return `asked for by ${by} (${via})${reason === undefined ? '' : `: ${reason}`}`;
}

async function runningText(session: Session, { id, host, userid }: OperationDetails): Promise<string> {
  const guest = userid === undefined ? undefined : { host, userid };
  const standing = await standingOf(await session.client(), id, guest);
  return standing === undefined ? 'No worker answers: its progress is unknown.' : standingText(standing);
}

async function cancel(session: Session, [id = '']: string[], { wait }: { wait: boolean }): Promise<ExitCode> {
  const client = await session.client();
  const operation = await findOperation(session, id);
  if (operation.state !== 'running' || !(await cancelOperation(client, operation.id, undefined, session.user)))
    throw new CommandFailure(EXIT.refused, `Operation ${id} has ended already: it is ${operation.state}.`);
  session.output.tell(`Operation ${id} is being cancelled and rolled back.`);
  if (wait) await session.warnWithoutWorker(operation.host, 'it');
  const ended = wait ? await followOperation(client, operation, undefined, () => {}, session.signal) : undefined;
  if (session.signal.aborted)
    throw new CommandFailure(EXIT.interrupted, `The rollback continues. See: zvmnet ops show '${id}'`);
  const after = withRun(session, ended ?? (await findOperation(session, id, operation.runId)));
  session.output.result(after, () => {
    session.output.print(`${id}: ${outcomeText(after)}`);
    if (after.failure !== undefined) showOutcome(session.output, after);
  });
  return after.failure === undefined ? EXIT.ok : exitCodeOf(after);
}
