import type { Command } from 'commander';
import { z } from 'zod';
import type { OperationRequest } from '../../client/start-operation.ts';
import { defined } from '../../domain/defined.ts';
import type { PortView } from '../../domain/host/host-view.ts';
import { DEFAULT_OPTIONS, PlanId } from '../../domain/operations/requests.ts';
import type { HostName } from '../../domain/text/identifiers.ts';
import { confirmed } from '../confirmation.ts';
import { CommandFailure, EXIT, type ExitCode } from '../exit-codes.ts';
import { findPort, readHost } from '../find-port.ts';
import { runOperations } from '../run-operation.ts';
import type { Session } from '../session.ts';

/** Options of every command that changes something. */
export const ChangeOptions = z.object({ wait: z.boolean(), dryRun: z.boolean().default(false) });

/** Give a command the options of a change. */
export function changeOptions(command: Command): Command {
  return command
    .option('--dry-run', 'plan only, change nothing')
    .option('--no-wait', 'start the operation without waiting for its end');
}

/** Options of a command that changes ports. */
export const PortChangeOptions = ChangeOptions.extend({ plan: PlanId.optional(), yes: z.boolean().default(false) });
type PortChange = z.output<typeof PortChangeOptions>;

/** Give a command the options of a change of ports. */
export function portChangeOptions(command: Command): Command {
  return changeOptions(command).option(
    '--plan <id>',
    'carry out only this plan, named by --dry-run; refused when the plan has changed since',
  );
}

/** Give a command that takes away or interrupts the option to do so without a question. */
export function yesOption(command: Command): Command {
  return command.option('--yes', 'do not ask: on a terminal the plan is shown and asked for first');
}

/** The options of the operation that a command starts. */
export function optionsOf({ dryRun, plan }: Pick<PortChange, 'dryRun' | 'plan'>) {
  return { ...DEFAULT_OPTIONS, dryRun, ...defined({ onlyIf: plan === undefined ? undefined : { plan } }) };
}

/** Throws a CommandFailure when one plan is given for several operations. */
export function onePlanEach({ plan }: PortChange, requests: readonly OperationRequest[]): void {
  if (plan !== undefined && requests.length > 1)
    throw new CommandFailure(EXIT.usage, `--plan takes one operation, not ${requests.length}: run them one at a time`);
}

/** Examples below a command's help. */
export function examples(lines: readonly string[]): string {
  return `\nExamples:\n${lines.map((line) => `  ${line}`).join('\n')}`;
}

/** The same change for each of the named ports, one after another. */
export async function eachPort(
  session: Session,
  words: readonly string[],
  options: PortChange,
  requestFor: (port: PortView, target: ReturnType<typeof optionsOf> & { host: HostName }) => OperationRequest,
): Promise<ExitCode> {
  const view = await readHost(session);
  const target = { host: view.host, ...optionsOf(options) };
  const requests = words.map((each) => requestFor(findPort(view, each), target));
  onePlanEach(options, requests);
  return runOperations(session, await confirmed(session, requests, options), options.wait);
}
