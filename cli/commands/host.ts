import { createInterface } from 'node:readline/promises';
import type { Command } from 'commander';
import { z } from 'zod';
import { defined } from '../../domain/defined.ts';
import { DEFAULT_OPTIONS } from '../../domain/operations/requests.ts';
import { NEVER_ASKED, QUESTION_IDS, type QuestionId, questionOf } from '../../domain/probe/questions.ts';
import { PROBE_VSWITCH } from '../../domain/probe/scene.ts';
import { HostName, Userid, VswitchName } from '../../domain/text/identifiers.ts';
import { action, argument } from '../action.ts';
import { CommandFailure, EXIT, type ExitCode } from '../exit-codes.ts';
import { showOutcome } from '../outcome.ts';
import { exitCodeOf, perform } from '../run-operation.ts';
import type { Session } from '../session.ts';
import { ChangeOptions, changeOptions, examples } from './change.ts';

const ProbeOptions = ChangeOptions.extend({
  guest: Userid,
  vswitch: VswitchName.optional(),
  relogon: z.boolean().default(false),
  yes: z.boolean().default(false),
  question: z.array(z.enum(QUESTION_IDS, `must be one of ${QUESTION_IDS.join(', ')}`)).optional(),
});
type ProbeOptions = z.output<typeof ProbeOptions>;

/** `zvmnet host …` */
export function hostCommands(program: Command): void {
  const host = program.command('host').description('One z/VM system.');
  changeOptions(host.command('probe [host]'))
    .summary('ask z/VM itself what no document answers')
    .description(
      'Ask z/VM, on an expendable guest without NICs, what no document answers, and put everything back. The answers become known as the behaviour of the host.',
    )
    .requiredOption('--guest <userid>', 'an expendable guest without ports and NICs')
    .option('--vswitch <vswitch>', 'ask on this VSWITCH; by default on one that is made without an uplink, and deleted')
    .option('--relogon', 'the guest may be logged off and on: some questions need it')
    .option('--question <name...>', 'ask these questions alone')
    .option('--yes', 'ask all questions without asking whether to')
    .addHelpText(
      'after',
      examples([
        'zvmnet host probe zvm1 --guest SCRATCH1 --dry-run',
        'zvmnet host probe zvm1 --guest SCRATCH1 --relogon --yes',
        '',
        'Questions:',
        ...QUESTION_IDS.map((id) => `  ${id.padEnd(24)}${questionOf(id).asks}`),
        ...NEVER_ASKED.map(({ asks, why }) => `  ${'never'.padEnd(24)}${asks} ${why}.`),
      ]),
    )
    .action(action(ProbeOptions, probe));
}

async function probe(session: Session, [name]: string[], options: ProbeOptions): Promise<ExitCode> {
  const isAsked = options.yes || options.dryRun;
  if (!isAsked && !process.stdin.isTTY) throw new CommandFailure(EXIT.usage, NOBODY_TO_ASK);
  const host = name === undefined ? await session.host() : await session.known(argument(HostName, name));
  const { guest: userid, vswitch, dryRun, relogon: mayLogOff } = options;
  const questions = await chosen(session, options);
  if (questions.length === 0) throw new CommandFailure(EXIT.usage, 'No question is left to ask.');
  const { giveUpAfterMinutes } = DEFAULT_OPTIONS;
  const input = { host, userid, questions, mayLogOff, dryRun, giveUpAfterMinutes, ...defined({ vswitch }) };
  const operation = await perform(session, { type: 'probeHost', input }, options.wait);
  session.output.result(operation, () => showOutcome(session.output, operation));
  return isSurprise(operation.result) ? EXIT.failed : exitCodeOf(operation);
}

const NOBODY_TO_ASK = 'The probe changes z/VM for a moment: give --yes, or --dry-run to see the questions.';

const Surprised = z.object({ report: z.object({ surprise: z.object({}) }) });

function isSurprise(result: unknown): boolean {
  return Surprised.safeParse(result).success;
}

/** The questions that the operator lets be asked. Nothing has been touched yet: no operation waits for an answer with a guest half changed. */
async function chosen(
  session: Session,
  { yes, dryRun, question, guest, vswitch }: ProbeOptions,
): Promise<QuestionId[]> {
  const wanted = question === undefined ? QUESTION_IDS : QUESTION_IDS.filter((id) => question.includes(id));
  if (yes || dryRun) return [...wanted];
  const scene = { userid: guest, vswitch: vswitch ?? PROBE_VSWITCH };
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const allowed: QuestionId[] = [];
  try {
    for (const [index, id] of wanted.entries()) {
      const { asks, does } = questionOf(id);
      session.output.tell(`${asks} The probe ${does(scene)}.`);
      const word = await terminal.question('Ask it? [y]es, [n]o, [a]ll that are left, [q]uit: ', {
        signal: session.signal,
      });
      const letter = word.trim().toLowerCase().charAt(0);
      if (letter === 'q') return [];
      if (letter === 'a') return [...allowed, ...wanted.slice(index)];
      if (letter === 'y') allowed.push(id);
    }
  } finally {
    terminal.close();
  }
  return allowed;
}
