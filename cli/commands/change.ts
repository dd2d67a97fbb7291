import type { Command } from 'commander';
import { z } from 'zod';
import { type PortOperation, portOperation } from '../../client/port-operation.ts';
import type { PortView } from '../../network/host-view.ts';
import type { ExitCode } from '../exit-codes.ts';
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

/** Examples below a command's help. */
export function examples(lines: readonly string[]): string {
  return `\nExamples:\n${lines.map((line) => `  ${line}`).join('\n')}`;
}

/** The same change to each of the ports that are named, one after another. */
export async function eachPort(
  session: Session,
  words: readonly string[],
  { wait, dryRun }: z.output<typeof ChangeOptions>,
  change: (port: PortView) => Pick<PortOperation, 'type' | 'rest'>,
): Promise<ExitCode> {
  const view = await readHost(session);
  const beginnings = words.map((each) => {
    const port = findPort(view, each);
    const { type, rest } = change(port);
    const target = { type, host: view.host, userid: port.userid, portIds: [port.portId] };
    return portOperation({ ...target, rest: { ...rest, dryRun } });
  });
  return runOperations(session, beginnings, wait);
}
