import type { Command } from 'commander';
import { z } from 'zod';
import { readControl } from '../../client/host-control.ts';
import { describeOperation, type OperationDetails } from '../../client/operations.ts';
import {
  beginRestore,
  endAllOpen,
  endOpen,
  finishRestore,
  letGoOn,
  type OpenOperation,
  openOperations,
  type WhatItWouldDo,
  withPlans,
} from '../../client/restored.ts';
import { HostName } from '../../domain/text/identifiers.ts';
import { action, argument } from '../action.ts';
import { CommandFailure, EXIT, type ExitCode } from '../exit-codes.ts';
import { colour, timeText } from '../output.ts';
import type { Session } from '../session.ts';
import { examples } from './change.ts';

const FinishOptions = z.object({ continueRest: z.boolean().default(false), endRest: z.boolean().default(false) });

/** `zvmnet restore …` */
export function restoreCommands(program: Command): void {
  const restore = program
    .command('restore')
    .summary("decide on open operations after a restore of Temporal's database")
    .description(
      "After a restore of Temporal's database: operations of after the dump are gone, and those that were open at the dump would go on. The hosts are held until each of these is continued or ended.",
    )
    .addHelpText(
      'after',
      examples([
        'zvmnet restore begin                    # all hosts; before the workers start',
        'zvmnet restore list                     # open operations, and what each would do',
        'zvmnet restore continue create-port~zvm1~…',
        'zvmnet restore end change-vlan~zvm1~…   # nothing is written',
        'zvmnet restore finish',
      ]),
    );
  restore
    .command('begin [host...]')
    .description('Hold these hosts, all by default, until `finish`.')
    .action(action(z.object({}), begin));
  restore
    .command('list [host...]')
    .description('List the open operations of the restored hosts, with the steps that each would carry out.')
    .action(action(z.object({}), list));
  restore
    .command('continue <operation...>')
    .description('Let open operations go on. Operations of the same guest that were accepted earlier go first.')
    .action(action(z.object({}), (session, ids) => decide(session, ids, letGoOn)));
  restore
    .command('end <operation...>')
    .description('End open operations. Nothing is written: a guest in the middle of its steps is left as it is.')
    .action(action(z.object({}), (session, ids) => decide(session, ids, endOpen)));
  restore
    .command('finish [host...]')
    .description('Release these hosts, all restored ones by default, when each open operation is decided.')
    .option('--continue-rest', 'let operations that are not decided go on')
    .option('--end-rest', 'end operations that are not decided')
    .action(action(FinishOptions, finish));
}

async function begin(session: Session, names: string[]): Promise<ExitCode> {
  const client = await session.client();
  const hosts = names.length === 0 ? await session.hosts() : names.map((name) => argument(HostName, name));
  if (hosts.length === 0) throw new CommandFailure(EXIT.notFound, 'Temporal knows no host: name the hosts.');
  await Promise.all(hosts.map((host) => beginRestore(client, host, session.origin)));
  session.output.result({ hosts }, () => {
    for (const host of hosts) session.output.print(`${host}: held until 'zvmnet restore finish'`);
  });
  return EXIT.ok;
}

/** The named hosts, or all that a restore holds. */
async function restored(session: Session, names: readonly string[]): Promise<HostName[]> {
  const client = await session.client();
  const known = names.length === 0 ? await session.hosts() : names.map((name) => argument(HostName, name));
  const controls = await Promise.all(known.map((host) => readControl(client, host)));
  return known.filter((_, index) => controls[index]?.restore !== undefined);
}

async function list(session: Session, names: string[]): Promise<ExitCode> {
  const { output } = session;
  const client = await session.client();
  const hosts = await restored(session, names);
  const open = (await Promise.all(hosts.map((host) => openOperations(client, host)))).flat();
  const operations = await withPlans(client, open);
  output.result({ hosts, operations }, () => {
    if (hosts.length === 0) output.print('No host is held by a restore.');
    else if (operations.length === 0)
      output.print(`${hosts.join(', ')}: nothing is open. Go on: zvmnet restore finish`);
    for (const operation of operations) for (const line of linesOf(operation)) output.print(line);
  });
  return EXIT.ok;
}

function linesOf({ id, type, startedAt, origin, goesOn, ...plan }: OpenOperation & WhatItWouldDo): string[] {
  const by = origin === undefined ? '' : ` by ${origin.by}${origin.reason === undefined ? '' : `: ${origin.reason}`}`;
  const word = goesOn ? colour('green', 'goes on') : colour('yellow', 'undecided');
  const steps = 'would' in plan ? plan.would.map((step) => `  ○ would ${step}`) : [`  ? ${plan.unknown}`];
  return [`${id}: ${type}, ${word}, of ${timeText(startedAt)}${by}`, ...steps];
}

async function decide(session: Session, ids: readonly string[], decideOn: typeof letGoOn): Promise<ExitCode> {
  const client = await session.client();
  const found: OperationDetails[] = [];
  for (const id of ids) {
    const operation = await describeOperation(client, id.replaceAll('/', '~'), undefined, { ask: false });
    if (operation?.state !== 'running') throw new CommandFailure(EXIT.notFound, `There is no open operation ${id}.`);
    if ((await readControl(client, operation.host)).restore === undefined)
      throw new CommandFailure(EXIT.refused, `${operation.host} is not held by a restore: zvmnet ops cancel '${id}'`);
    found.push(operation);
  }
  for (const operation of found) await decideOn(client, operation, session.origin);
  session.output.result({ operations: found.map(({ id }) => id) }, () => {
    for (const { id } of found) session.output.print(`${id}: decided`);
  });
  return EXIT.ok;
}

async function finish(
  session: Session,
  names: string[],
  { continueRest, endRest }: z.output<typeof FinishOptions>,
): Promise<ExitCode> {
  if (continueRest && endRest)
    throw new CommandFailure(EXIT.usage, '--continue-rest and --end-rest exclude each other');
  const client = await session.client();
  const hosts = await restored(session, names);
  const open = (await Promise.all(hosts.map((host) => openOperations(client, host)))).flat();
  const undecided = open.filter(({ goesOn }) => !goesOn);
  if (undecided.length > 0 && !continueRest && !endRest)
    throw new CommandFailure(
      EXIT.refused,
      `${undecided.length} operations are undecided: continue or end each (zvmnet restore list), or give --continue-rest or --end-rest`,
    );
  if (endRest) await endAllOpen(client, undecided, session.origin);
  await Promise.all(hosts.map((host) => finishRestore(client, host, session.origin)));
  session.output.result({ hosts }, () => {
    for (const host of hosts) session.output.print(`${host}: released`);
    if (hosts.length === 0) session.output.print('No host is held by a restore.');
  });
  return EXIT.ok;
}
