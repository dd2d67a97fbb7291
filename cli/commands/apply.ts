import type { Command } from 'commander';
import { z } from 'zod';
import {
  type Asking,
  type CarriedOut,
  carryOutDesired,
  type DesiredPlan,
  OperationInProgress,
  planDesired,
  toldPlan,
} from '../../client/desired-plan.ts';
import type { HostChanges } from '../../domain/host/desired-changes.ts';
import { PlanId } from '../../domain/operations/requests.ts';
import { action, goneWhileWaiting } from '../action.ts';
import { agreed } from '../confirmation.ts';
import { readChanges } from '../desired-input.ts';
import { showCarriedOut, showPlan, showUnchanged } from '../desired-words.ts';
import { CommandFailure, EXIT, type ExitCode } from '../exit-codes.ts';
import { ProgressBar } from '../progress-bar.ts';
import { exitCodeOf } from '../run-operation.ts';
import type { Session } from '../session.ts';
import { examples } from './change.ts';

const Options = z.object({
  file: z.string(),
  prune: z.boolean().default(false),
  live: z.boolean().default(false),
  dryRun: z.boolean().default(false),
  plan: PlanId.optional(),
  yes: z.boolean().default(false),
});
type Options = z.output<typeof Options>;

/** `zvmnet apply` */
export function applyCommand(program: Command): void {
  program
    .command('apply')
    .summary('make hosts as a file says')
    .description(
      'Make hosts as a file says: missing VSWITCHes, then the ports of each guest by one operation. All is planned first; nothing is changed when anything is refused.',
    )
    .requiredOption('-f, --file <path>', 'a file, or a folder of files; - is standard input')
    .option('--prune', 'delete ports of the hosts that the file does not name; NICs of others are never touched')
    .option('--live', 'make the ports live on running guests now, not at their next logon')
    .option('--dry-run', 'plan only; exit code 6 when anything would change')
    .option('--plan <id>', 'carry out only this plan, named by --dry-run; refused when the plan has changed since')
    .option('--yes', 'delete without a question')
    .addHelpText(
      'after',
      examples([
        'zvmnet export > zvm1.yaml',
        'zvmnet apply -f zvm1.yaml --dry-run',
        'zvmnet apply -f hosts/ --prune --plan 0123456789abcdef0123456789abcdef',
      ]),
    )
    .action(action(Options, apply));
}

async function apply(session: Session, _args: string[], options: Options): Promise<ExitCode> {
  const { output } = session;
  const hosts = await readChanges(session, options.file, options.prune);
  const plan = await following(session, 'planned', 'Nothing was changed.', (asking) =>
    planDesired(asking, hosts, options.live),
  );
  const verdict = verdictOn(plan, hosts, options);
  if (verdict !== undefined) {
    output.result({ ...(options.dryRun ? { dryRun: true } : {}), plan: plan.id, ...toldPlan(plan, hosts) }, () => {
      showPlan(output, plan, hosts);
      output.print(verdict.sentence);
    });
    return verdict.code;
  }
  await confirmed(session, plan, hosts, options);
  const done = await carriedOut(session, plan);
  output.result({ plan: plan.id, ...resultOf(done) }, () => {
    showCarriedOut(output, done);
    for (const each of hosts) showUnchanged(output, each);
  });
  const codes = done.flatMap(({ operation }) => (operation === undefined ? [] : exitCodeOf(operation)));
  return codes.find((code) => code !== EXIT.ok) ?? EXIT.ok;
}

/** Why a plan is not carried out, and the exit code of that; undefined of one that is. */
function verdictOn(
  { id, changes }: DesiredPlan,
  hosts: readonly HostChanges[],
  { dryRun, plan }: Options,
): { code: ExitCode; sentence: string } | undefined {
  const isRefused = [...changes, ...hosts].some(({ refusals }) => refusals.length > 0);
  if (changes.some(({ failure }) => failure !== undefined))
    return { code: EXIT.failed, sentence: 'Not everything could be planned. Nothing was changed.' };
  if (isRefused) return { code: EXIT.refused, sentence: 'Something is refused. Nothing was changed.' };
  if (changes.length === 0) return { code: EXIT.ok, sentence: 'Everything is as the file says.' };
  if (plan !== undefined && plan !== id)
    return {
      code: EXIT.refused,
      sentence: 'The plan has changed since the dry run: make a dry run again. Nothing was changed.',
    };
  if (!dryRun) return undefined;
  return { code: EXIT.drift, sentence: `Plan only, nothing was changed. To carry out exactly this plan: --plan ${id}` };
}

function carriedOut(session: Session, plan: DesiredPlan): Promise<CarriedOut[]> {
  const goesOn = `Started operations continue. See: zvmnet ops list --state running --by '${session.user}'. Cancel one and roll it back: zvmnet ops cancel ID. Repeat the same apply for what is left.`;
  return following(session, 'carried out', goesOn, (asking) => carryOutDesired(asking, plan));
}

/** Throws a CommandFailure on Ctrl-C. */
async function following<Result>(
  session: Session,
  what: string,
  goesOn: string,
  work: (asking: Asking) => Promise<Result | undefined>,
): Promise<Result> {
  const client = await session.client();
  let bar: ProgressBar | undefined;
  const tell = (done: number, all: number) => {
    bar ??= new ProgressBar(all, `operations ${what}`);
    bar.show({ wired: done, unchanged: 0, refused: 0, failed: 0 });
  };
  try {
    const result = await work({ client, origin: session.origin, signal: session.signal, tell });
    if (result !== undefined) return result;
  } catch (error) {
    if (error instanceof OperationInProgress) throw new CommandFailure(EXIT.refused, `${error.message} ${goesOn}`);
    throw goneWhileWaiting(error, session, goesOn);
  } finally {
    bar?.end();
  }
  throw new CommandFailure(EXIT.interrupted, goesOn);
}

/** Ask before ports are deleted. Throws a CommandFailure when the answer is no, and where nobody can be asked. */
async function confirmed(
  session: Session,
  plan: DesiredPlan,
  hosts: readonly HostChanges[],
  { yes, plan: named }: Options,
): Promise<void> {
  const deletions = plan.changes.reduce((sum, { remove }) => sum + remove.length, 0);
  if (deletions === 0 || yes || named !== undefined) return;
  if (!session.asks)
    throw new CommandFailure(
      EXIT.usage,
      `${deletions} ports would be deleted: give --yes, or the --plan of a dry run. Nothing was changed.`,
    );
  showPlan(session.output, plan, hosts);
  await agreed(session, `Delete ${deletions} ports?`);
}

function resultOf(done: readonly CarriedOut[]) {
  return {
    changes: done.map(({ change: { request, host, subject }, operation }) => ({
      type: request.type,
      host,
      subject,
      ...(operation === undefined ? {} : { operation }),
    })),
  };
}
