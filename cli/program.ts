import { Command, CommanderError } from 'commander';
import { examples } from './commands/change.ts';
import { completionCommand } from './commands/completion.ts';
import { configCommands } from './commands/config.ts';
import { driftCommand } from './commands/drift.ts';
import { guestCommands } from './commands/guest.ts';
import { hostsCommand } from './commands/hosts.ts';
import { importCommand } from './commands/import.ts';
import { nicCommands } from './commands/nic.ts';
import { opsCommands } from './commands/ops.ts';
import { portCommands } from './commands/port.ts';
import { reconcileCommand } from './commands/reconcile.ts';
import { vswitchCommands } from './commands/vswitch.ts';
import { EXIT } from './exit-codes.ts';

/** Run it. Ends by itself, not by `process.exit`: what was printed may not have been written yet. */
export async function runProgram(): Promise<void> {
  try {
    await createProgram().parseAsync();
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    process.exitCode = error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  }
}

/** The whole command, with all of its subcommands. */
export function createProgram(): Command {
  const program = new Command('zvmnet')
    .description(
      'Ports, NICs and VSWITCHes of z/VM guests, from a shell. Each change is an operation that Temporal carries out.',
    )
    .option('--host <host>', 'the z/VM system; ZVMNET_HOST, or the only one there is')
    .option('--json', 'for programs: one JSON document')
    .option('--address <address>', "Temporal's address; TEMPORAL_ADDRESS, temporal.toml, or localhost:7233")
    .option('--namespace <name>', "Temporal's namespace")
    .option('--ui-url <url>', 'base of the Temporal UI, for links to runs; ZVMNET_UI_URL')
    .configureHelp({ showGlobalOptions: true })
    .showHelpAfterError('(--help tells more)')
    .exitOverride()
    .addHelpText(
      'after',
      examples([
        'zvmnet hosts',
        'zvmnet port create --guest LNX10001 --vswitch VSW1 --vlan 1001 --live',
        'zvmnet port list --vlan 1001',
        'zvmnet guest show LNX10001',
        'zvmnet drift || zvmnet reconcile',
        '',
        'Exit codes: 0 done; 1 failed; 2 usage; 3 refused; 4 not found; 5 Temporal or the worker does not answer; 6 drift; 7 cancelled;',
        '  130 Ctrl-C (what was started goes on)',
      ]),
    );
  hostsCommand(program);
  portCommands(program);
  nicCommands(program);
  guestCommands(program);
  vswitchCommands(program);
  driftCommand(program);
  reconcileCommand(program);
  opsCommands(program);
  importCommand(program);
  configCommands(program);
  completionCommand(program);
  return program;
}
