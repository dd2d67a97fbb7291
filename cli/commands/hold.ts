import type { Command } from 'commander';
import { z } from 'zod';
import { busyWorkers, confirmHost, holdHost, releaseHost } from '../../client/host-control.ts';
import { describeHost, type HoldView } from '../../client/known-hosts.ts';
import { HostName } from '../../domain/text/identifiers.ts';
import { action, argument } from '../action.ts';
import { CommandFailure, EXIT, type ExitCode } from '../exit-codes.ts';
import { timeText } from '../output.ts';
import type { Session } from '../session.ts';
import { examples } from './change.ts';

const UNIT_MS = { m: 60_000, h: 3_600_000, d: 24 * 3_600_000 };
const DURATION = /^(\d{1,4})([mhd])$/;
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?(Z|[+-]\d\d:\d\d)$/;

/** The end of a hold, by a duration or a time. */
const Until = z.string().transform((text, context): Date => {
  const [, count, unit] = DURATION.exec(text) ?? [];
  const until =
    count === undefined ? Date.parse(text) : Date.now() + Number(count) * UNIT_MS[unit as keyof typeof UNIT_MS];
  if ((count !== undefined || TIME.test(text)) && until > Date.now()) return new Date(until);
  context.addIssue('must be a time to come, as 2026-11-29T18:00Z, or a duration, as 90m, 8h or 2d');
  return z.NEVER;
});
const HoldOptions = z.object({ until: Until.optional() });

/** Longest wait for writes that are under way. */
const PATIENCE_MS = 60_000;

/** `zvmnet hosts hold|release|confirm` */
export function holdCommands(hosts: Command, program: Command): void {
  const help = { showGlobalOptions: true, visibleGlobalOptions: () => [...program.options] };
  hosts
    .command('hold <host...>')
    .configureHelp(help)
    .summary('write nothing to a z/VM system until its release')
    .description(
      'Write nothing to these z/VM systems until their release. Operations are accepted and wait in order; plans, readings and reports of drift go on. A step that is under way ends; the command waits for that.',
    )
    .option('--until <time>', 'the hold ends by itself: a time, as 2026-11-29T18:00Z, or a duration, as 90m, 8h, 2d')
    .addHelpText(
      'after',
      examples([
        'zvmnet hosts hold zvm1 --reason "CHG0012345: service of z/VM" --until 8h',
        'zvmnet hosts release zvm1',
      ]),
    )
    .action(action(HoldOptions, (session, names, { until }) => hold(session, names, until)));
  hosts
    .command('release <host...>')
    .configureHelp(help)
    .description('End the hold of these z/VM systems: what waits is carried out, in order.')
    .action(
      action(z.object({}), (session, names) =>
        onEach(session, names, async (host) => {
          await releaseHost(await session.client(), host, session.origin);
          return undefined;
        }),
      ),
    );
  hosts
    .command('confirm <host...>')
    .configureHelp(help)
    .summary('let reconciliation repair systems that are new here')
    .description(
      'Let reconciliation repair the drift of these z/VM systems. It reports no more than that of a system that is new here: look at it first, by `zvmnet drift`.',
    )
    .action(
      action(z.object({}), (session, names) =>
        onEach(session, names, async (host) => {
          await confirmHost(await session.client(), host, session.origin);
          return undefined;
        }),
      ),
    );
}

async function hold(session: Session, names: readonly string[], until: Date | undefined): Promise<ExitCode> {
  if (session.origin.reason === undefined)
    throw new CommandFailure(
      EXIT.usage,
      'Say why: --reason, or ZVMNET_REASON. Whoever waits for the host is shown it.',
    );
  return onEach(session, names, async (host) => {
    const client = await session.client();
    await holdHost(client, host, session.origin, until);
    const busy = await busyWorkers(client, host, PATIENCE_MS);
    return busy.length === 0 ? undefined : `${host}: a write may still be under way by ${busy.join(', ')}`;
  });
}

/** Say a word on each host, and show them all after it. `say` answers what is not as it should be. */
async function onEach(
  session: Session,
  names: readonly string[],
  say: (host: HostName) => Promise<string | undefined>,
): Promise<ExitCode> {
  const hosts: HostName[] = [];
  for (const name of names) hosts.push(await session.known(argument(HostName, name)));
  const problems = (await Promise.all(hosts.map(say))).filter((problem) => problem !== undefined);
  const client = await session.client();
  const shown = await Promise.all(hosts.map((host) => describeHost(client, host)));
  session.output.result({ hosts: shown }, () => {
    for (const { host, hold: held } of shown)
      session.output.print(`${host}: ${held === null ? 'not held' : heldText(held)}`);
  });
  for (const problem of problems) session.output.tell(problem);
  return problems.length === 0 ? EXIT.ok : EXIT.unavailable;
}

/** A hold in a line. */
export function heldText({ by, reason, until }: HoldView): string {
  const end = until === undefined ? '' : ` until ${timeText(until)}`;
  return `held by ${by}${end}${reason === undefined ? '' : `: ${reason}`}`;
}
