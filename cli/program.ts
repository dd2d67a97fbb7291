import { Command, CommanderError } from 'commander';
import { packageVersion } from '../command-line/program.ts';
import { applyCommand } from './commands/apply.ts';
import { auditCommand } from './commands/audit.ts';
import { examples } from './commands/change.ts';
import { completionCommand } from './commands/completion.ts';
import { configCommands } from './commands/config.ts';
import { desiredCommands } from './commands/desired.ts';
import { driftCommand } from './commands/drift.ts';
import { explainCommand } from './commands/explain.ts';
import { guestCommands } from './commands/guest.ts';
import { hostCommands } from './commands/host.ts';
import { hostsCommand } from './commands/hosts.ts';
import { importCommand } from './commands/import.ts';
import { migrateCommand } from './commands/migrate.ts';
import { nicCommands } from './commands/nic.ts';
import { notificationCommands } from './commands/notifications.ts';
import { opsCommands } from './commands/ops.ts';
import { portCommands } from './commands/port.ts';
import { reconcileCommand } from './commands/reconcile.ts';
import { restoreCommands } from './commands/restore.ts';
import { vswitchCommands } from './commands/vswitch.ts';
import { EXIT } from './exit-codes.ts';
import { FORMS } from './output.ts';

/** Run the command. The process ends by itself, not by `process.exit`, which would lose buffered output. */
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
      'Manage ports, NICs and VSWITCHes of z/VM guests. Each change is an operation that Temporal carries out.',
    )
    .option('--host <host>', 'the z/VM system; default: ZVMNET_HOST, or the only host')
    .option('--json', 'print one JSON document, for programs')
    .option('-o, --output <form>', `how to print the result: ${FORMS.join(', ')}`)
    .option('--columns <names>', 'columns of a table, in this order: host,workers')
    .option('--address <address>', "Temporal's address; default: TEMPORAL_ADDRESS, temporal.toml, or localhost:7233")
    .option('--namespace <name>', "Temporal's namespace")
    .option('--reason <text>', 'why a change is made, kept with the operation; default: ZVMNET_REASON')
    .option('--ui-url <url>', 'base of the Temporal UI, for links to runs; default: ZVMNET_UI_URL')
    .version(packageVersion())
    .configureHelp({ showGlobalOptions: true })
    .showHelpAfterError('(see --help)')
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
        'Exit codes: 0 done; 1 failed; 2 usage; 3 refused; 4 not found; 5 Temporal or the worker does not answer; 6 drift, or a file or a record differs; 7 cancelled;',
        '  130 Ctrl-C (started operations continue)',
      ]),
    );
  hostsCommand(program);
  hostCommands(program);
  portCommands(program);
  nicCommands(program);
  guestCommands(program);
  vswitchCommands(program);
  driftCommand(program);
  reconcileCommand(program);
  restoreCommands(program);
  opsCommands(program);
  auditCommand(program);
  explainCommand(program);
  notificationCommands(program);
  importCommand(program);
  migrateCommand(program);
  desiredCommands(program);
  applyCommand(program);
  configCommands(program);
  completionCommand(program);
  return program;
}
