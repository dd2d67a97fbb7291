import type { Command } from 'commander';
import { defined } from '../../domain/defined.ts';
import { BackendKind } from '../../domain/host/host.ts';
import { DEFAULT_OPTIONS, PlanId } from '../../domain/operations/requests.ts';
import { RESULTS } from '../../domain/operations/results.ts';
import { Userid } from '../../domain/text/identifiers.ts';
import { action, argument } from '../action.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { showOutcome } from '../outcome.ts';
import { exitCodeOf, perform, type ToldOperation } from '../run-operation.ts';
import { ChangeOptions, examples, portChangeOptions } from './change.ts';

const MigrateOptions = ChangeOptions.extend({ to: BackendKind, plan: PlanId.optional() });

/** `zvmnet migrate --to <backend> [userid…]` */
export function migrateCommand(program: Command): void {
  portChangeOptions(program.command('migrate [userid...]'))
    .summary("bring a host's record to the other backend")
    .description(
      "Bring the record of a host's guests from the backend that it is managed by to its shadow backend (zvm_shadow_backend). z/VM stays as it is. Repeat it until nothing is left; then exchange both backends in the configuration.",
    )
    .requiredOption('--to <backend>', 'the shadow backend: feilong, or xcat on the way back')
    .addHelpText(
      'after',
      examples([
        'zvmnet migrate --to feilong --dry-run',
        'zvmnet migrate --to feilong LNX10001 LNX10002',
        'zvmnet migrate --to feilong --plan 0123456789abcdef0123456789abcdef    # as the dry run has named it',
        'zvmnet migrate --to xcat',
        '',
        'Exit codes: 0 the other record says the same; 3 something could not be brought; 6 with --dry-run: something is to be brought',
      ]),
    )
    .action(
      action(MigrateOptions, async (session, names, { to, wait, dryRun, plan }) => {
        const host = await session.host();
        const userids = names.map((name) => argument(Userid, name));
        const { giveUpAfterMinutes } = DEFAULT_OPTIONS;
        const named = {
          userids: userids.length === 0 ? undefined : userids,
          onlyIf: plan === undefined ? undefined : { plan },
        };
        const input = { host, to, dryRun, giveUpAfterMinutes, ...defined(named) };
        const operation = await perform(session, { type: 'migrateHost', input }, wait);
        session.output.result(operation, () => showOutcome(session.output, operation));
        return exitOf(operation);
      }),
    );
}

/** Guests that failed count more than those that cannot be brought, and these more than those that a dry run would bring. */
function exitOf(operation: ToldOperation): ExitCode {
  const { data } = RESULTS.migration.safeParse(operation.result);
  if (data === undefined) return exitCodeOf(operation);
  const outcomes = new Set(data.guests.map(({ outcome }) => outcome));
  if (outcomes.has('failed')) return EXIT.failed;
  if (outcomes.has('planned')) return EXIT.drift;
  return outcomes.has('incomplete') ? EXIT.refused : EXIT.ok;
}
