import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import type { Command } from 'commander';
import { z } from 'zod';
import { describeHost, pauseReconciliation } from '../../client/known-hosts.ts';
import { describeOperation, listOperations } from '../../client/operations.ts';
import { knownBefore, reconcileRequest } from '../../client/reconcile-now.ts';
import { RESULTS } from '../../domain/operations/results.ts';
import { action, failureIn } from '../action.ts';
import { CommandFailure, EXIT, type ExitCode } from '../exit-codes.ts';
import { showOutcome } from '../outcome.ts';
import { colourAside, timeText } from '../output.ts';
import { exitCodeOf, perform, type ToldOperation } from '../run-operation.ts';
import type { Session } from '../session.ts';
import { ChangeOptions, changeOptions, examples } from './change.ts';

const Options = ChangeOptions.extend({ watch: z.boolean().default(false), allHosts: z.boolean().default(false) });

/** `zvmnet reconcile` */
export function reconcileCommand(program: Command): void {
  const reconcile = changeOptions(program.command('reconcile'))
    .summary('compare a host with its record and repair drift')
    .description('Compare a host with its record and repair drift, now, independently of the Schedule.')
    .option('--all-hosts', 'every host, one after another')
    .option('--watch', 'show each reconciliation of the host at its end, until Ctrl-C')
    .addHelpText(
      'after',
      examples([
        'zvmnet reconcile --dry-run       # drift and the steps of its repair; exit code 6 when there is any',
        'zvmnet reconcile --all-hosts',
        'zvmnet reconcile --watch',
      ]),
    )
    .action(action(Options, run));
  // The options of a reconciliation are not those of its Schedule.
  const help = { showGlobalOptions: true, visibleGlobalOptions: () => [...program.options] };
  reconcile
    .command('pause')
    .configureHelp(help)
    .description("Pause the Schedule of the host's reconciliation. A running reconciliation continues to its end.")
    .option('--note <text>', 'the reason, shown with the Schedule')
    .addHelpText('after', examples(['zvmnet reconcile pause --note "change 4711, until Monday"']))
    .action(action(PauseOptions, (session, _args, { note }) => pause(session, true, note)));
  reconcile
    .command('resume')
    .configureHelp(help)
    .description("Resume the Schedule of the host's reconciliation.")
    .action(action(ScheduleOptions, (session) => pause(session, false, undefined)));
}

const notHere = z
  .literal(false, { error: 'is not an option of pause and resume, which change the Schedule of one host at once' })
  .default(false);
const ScheduleOptions = z.object({ dryRun: notHere, watch: notHere, allHosts: notHere });
const PauseOptions = ScheduleOptions.extend({ note: z.string().optional() });

async function pause(session: Session, paused: boolean, note: string | undefined): Promise<ExitCode> {
  const client = await session.client();
  const host = await session.host();
  if (!(await pauseReconciliation(client, host, paused, note)))
    throw new CommandFailure(EXIT.notFound, `${host} has no Schedule of reconciliation: its worker creates it.`);
  const described = await describeHost(client, host);
  session.output.result(described, () =>
    session.output.print(`reconciliation of ${host} ${paused ? 'is paused' : 'is resumed'}`),
  );
  return EXIT.ok;
}

async function run(session: Session, _args: string[], options: z.output<typeof Options>): Promise<ExitCode> {
  const { dryRun, wait, watch, allHosts } = options;
  const hosts = allHosts ? await session.hosts() : [await session.host()];
  const client = await session.client();
  const operations: ToldOperation[] = [];
  for (const host of hosts) {
    const operation = await perform(session, reconcileRequest(host, dryRun), wait, await knownBefore(client, host));
    operations.push(operation);
    if (!session.output.json) showOutcome(session.output, operation);
    else if (watch) session.output.document(operation, 0);
  }
  if (session.output.json && !watch) session.output.document(operations.length === 1 ? operations[0] : { operations });
  const [first] = hosts;
  if (watch && first !== undefined) await watchOn(session, first, operations[0]);
  return operations.map(endOf).find((code) => code !== EXIT.ok) ?? EXIT.ok;
}

function endOf(operation: ToldOperation): ExitCode {
  const { data } = RESULTS.reconciliation.safeParse(operation.result);
  if (data === undefined) return exitCodeOf(operation);
  if (data.failed > 0) return EXIT.failed;
  return data.dryRun && data.drifts.length > 0 ? EXIT.drift : EXIT.ok;
}

const LOOK_MS = 2_000;
const MOST_AT_ONCE = 20;
const ANSWER_MS = 10_000;

/** Show each reconciliation of a host that ends after `last`, until Ctrl-C; those of an outage of Temporal are shown after it. */
async function watchOn(session: Session, host: string, last: ToldOperation | undefined): Promise<void> {
  const client = await session.client();
  const seen = new Set(last === undefined ? [] : [last.runId]);
  // Times are those of Temporal's clock, which may differ from this machine's.
  const since = last?.closedAt ?? last?.startedAt ?? new Date().toISOString();
  session.output.tell(`Watching ${host}; Ctrl-C ends it.`);
  let isAway = false;
  while (!session.signal.aborted) {
    const look = () => client.withAbortSignal(session.signal, () => showEnded(session, client, host, since, seen));
    const unanswered = await client.withDeadline(Date.now() + ANSWER_MS, look).then(
      () => undefined,
      (error: unknown) => whyAway(error, session),
    );
    if (unanswered !== undefined && !isAway) session.output.tell(colourAside('yellow', unanswered));
    isAway = unanswered !== undefined;
    await sleep(LOOK_MS, undefined, { signal: session.signal }).catch(() => undefined);
  }
}

/** The reason why Temporal has not answered; undefined after Ctrl-C. Throws a permanent error. */
function whyAway(error: unknown, session: Session): string | undefined {
  if (session.signal.aborted) return undefined;
  const { message, exitCode } = failureIn(error, session);
  if (exitCode !== EXIT.unavailable) throw error;
  return `Temporal does not answer and is retried: ${message}`;
}

async function showEnded(
  session: Session,
  client: Client,
  host: string,
  since: string,
  seen: Set<string>,
): Promise<void> {
  const runs = await listOperations(client, { host, type: 'reconcileHost' }, MOST_AT_ONCE);
  const ended = runs.filter((each) => each.state !== 'running' && (each.closedAt ?? '') >= since);
  for (const run of ended.filter((each) => !seen.has(each.runId)).toReversed()) {
    const whole = (await describeOperation(client, run.id, run.runId)) ?? run;
    seen.add(run.runId);
    if (session.output.json) session.output.document(whole, 0);
    else {
      session.output.print(timeText(run.closedAt ?? run.startedAt));
      showOutcome(session.output, whole);
    }
  }
}
