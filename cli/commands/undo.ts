import type { Command } from 'commander';
import { z } from 'zod';
import { laterOperations, undoOf } from '../../client/undo.ts';
import { defined } from '../../domain/defined.ts';
import { action } from '../action.ts';
import { confirmed } from '../confirmation.ts';
import { CommandFailure, EXIT, type ExitCode } from '../exit-codes.ts';
import { colourAside } from '../output.ts';
import { runOperations } from '../run-operation.ts';
import type { Session } from '../session.ts';
import { examples, PortChangeOptions, portChangeOptions, yesOption } from './change.ts';
import { findOperation } from './find-operation.ts';

const Options = PortChangeOptions.extend({ run: z.string().optional(), force: z.boolean().default(false) });

/** `zvmnet ops undo` */
export function undoCommand(ops: Command): void {
  yesOption(portChangeOptions(ops.command('undo <operation>')))
    .summary('take back what an operation has changed')
    .description(
      'Take the guests of an operation back to what was before it, by an operation of its own. Tells what has changed since, and is refused then, unless its plan is agreed to.',
    )
    .option('--run <id>', 'one run of several; default: the newest')
    .option('--force', 'although something has changed since')
    .addHelpText(
      'after',
      examples(['zvmnet ops undo change-vlan~zvm1~… --dry-run', 'zvmnet ops undo wire-ports~zvm1~…']),
    )
    .action(action(Options, undo));
}

async function undo(session: Session, [id = '']: string[], options: z.output<typeof Options>): Promise<ExitCode> {
  const { dryRun, force, plan, wait } = options;
  const operation = await findOperation(session, id, options.run);
  const way = undoOf(operation, { dryRun, force, ...defined({ onlyIf: plan === undefined ? undefined : { plan } }) });
  if ('impossible' in way)
    throw new CommandFailure(EXIT.refused, `Operation ${id} cannot be undone: ${way.impossible}.`);
  for (const later of await laterOperations(await session.client(), operation)) {
    const by = later.origin === undefined ? '' : `, by ${later.origin.by}`;
    session.output.tell(colourAside('yellow', `later on the same ports: ${later.type} ${later.id}${by}`));
  }
  return runOperations(session, await confirmed(session, [way.request], options), wait);
}
