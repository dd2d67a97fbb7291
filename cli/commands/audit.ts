import type { Command } from 'commander';
import { z } from 'zod';
import { type AuditEntry, auditTrail } from '../../client/audit.ts';
import { PortId, Userid } from '../../domain/text/identifiers.ts';
import { action, wholeNumber } from '../action.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { timeText } from '../output.ts';
import type { Session } from '../session.ts';
import { examples } from './change.ts';
import { decisionText } from './decisions.ts';

const time = z.coerce.date({ error: 'must be a time, such as 2026-11-29 or 2026-11-29T05:00:00Z' });

const Options = z.object({
  by: z.string().optional(),
  approvedBy: z.string().optional(),
  guest: Userid.optional(),
  port: PortId.optional(),
  since: time.optional(),
  until: time.optional(),
  limit: wholeNumber(1, 100_000),
});

/** `zvmnet audit` */
export function auditCommand(program: Command): void {
  program
    .command('audit')
    .summary('who asked for which operation, why, and what it did')
    .description('List operations with who asked for them and why, and the steps that they carried out, newest first.')
    .option('--by <name>', 'asked for by this person or program')
    .option('--approved-by <name>', 'approved by this person')
    .option('--guest <userid>', 'of this guest')
    .option('--port <uuid>', 'on this port')
    .option('--since <time>', 'started at this time or later')
    .option('--until <time>', 'started before this time')
    .option('--limit <n>', 'at most n entries', '50')
    .addHelpText(
      'after',
      examples(['zvmnet audit --since 2026-11-28', 'zvmnet audit --by ops@build7 --json | jq .reason']),
    )
    .action(action(Options, audit));
}

/** JSON is one document a line: the trail may be long. */
async function audit(session: Session, _args: string[], options: z.output<typeof Options>): Promise<ExitCode> {
  const { by, approvedBy, guest, port, since, until, limit } = options;
  const filter = {
    host: session.namedHost(),
    by,
    approvedBy,
    userid: guest,
    portId: port,
    since,
    until,
    withoutIdle: true,
  };
  let count = 0;
  for await (const entry of auditTrail(await session.client(), filter, Math.min(limit, PAGE))) {
    if (session.output.json) session.output.document(entry, 0);
    else show(session, entry);
    count += 1;
    if (count >= limit) break;
  }
  if (count === 0 && !session.output.json) session.output.print('No operations found.');
  return EXIT.ok;
}

const PAGE = 100;

function show({ output }: Session, entry: AuditEntry): void {
  const { at, by = 'unknown', via = 'temporal', reason, summary, operation, host, outcome, steps, failure, id } = entry;
  output.print(`${timeText(at)}  ${by} (${via})  ${outcome}  ${summary ?? `${operation} (${host})`}`);
  if (reason !== undefined) output.print(`  reason: ${reason}`);
  if (entry.decision !== undefined) output.print(`  ${decisionText(entry.decision)}`);
  for (const step of steps) output.print(`  ${step}`);
  if (failure !== undefined) output.print(`  failure: ${failure}`);
  output.print(`  ${id}`);
}
