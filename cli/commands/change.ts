import type { Command } from 'commander';
import { z } from 'zod';
import type { Beginning } from '../../client/begin-operation.ts';
import { type PortOperation, portOperation } from '../../client/port-operation.ts';
import type { PortView } from '../../domain/host/host-view.ts';
import { PlanId } from '../../domain/operations/requests.ts';
import { CommandFailure, EXIT, type ExitCode } from '../exit-codes.ts';
import { findPort, readHost } from '../find-port.ts';
import { runOperations } from '../run-operation.ts';
import type { Session } from '../session.ts';

/** What every command takes that changes something. */
export const ChangeOptions = z.object({ wait: z.boolean(), dryRun: z.boolean().default(false) });

/** Give a command the options of a change. */
export function changeOptions(command: Command): Command {
  return command
    .option('--dry-run', 'only say what would be done')
    .option('--no-wait', 'start the operation and do not wait for its end');
}

/** What a change of ports takes besides. */
export const PortChangeOptions = ChangeOptions.extend({ plan: PlanId.optional() });
type PortChange = z.output<typeof PortChangeOptions>;

/** Give a command the options of a change of ports. */
export function portChangeOptions(command: Command): Command {
  return changeOptions(command).option('--plan <id>', 'only if the steps are still those that --dry-run has told');
}

/** How a change of ports is carried out, as its operation takes it. */
export function howOf({ dryRun, plan }: Pick<PortChange, 'dryRun' | 'plan'>): object {
  return { dryRun, ...(plan === undefined ? {} : { onlyIf: { plan } }) };
}

/** Throws a CommandFailure when one plan is given for several operations. */
export function onePlanEach({ plan }: PortChange, beginnings: readonly Beginning[]): void {
  if (plan !== undefined && beginnings.length > 1)
    throw new CommandFailure(
      EXIT.usage,
      `--plan belongs to one operation, these are ${beginnings.length}: run each by itself`,
    );
}

/** Examples below a command's help. */
export function examples(lines: readonly string[]): string {
  return `\nExamples:\n${lines.map((line) => `  ${line}`).join('\n')}`;
}

/** The same change to each of the ports that are named, one after another. */
export async function eachPort(
  session: Session,
  words: readonly string[],
  options: PortChange,
  change: (port: PortView) => Pick<PortOperation, 'type' | 'rest'>,
): Promise<ExitCode> {
  const view = await readHost(session);
  const beginnings = words.map((each) => {
    const port = findPort(view, each);
    const { type, rest } = change(port);
    const target = { type, host: view.host, userid: port.userid, portIds: [port.portId] };
    return portOperation({ ...target, rest: { ...rest, ...howOf(options) } });
  });
  onePlanEach(options, beginnings);
  return runOperations(session, beginnings, options.wait);
}
