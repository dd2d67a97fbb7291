import type { Command } from 'commander';
import { z } from 'zod';
import { describeHost, type KnownHost } from '../../client/known-hosts.ts';
import { action } from '../action.ts';
import { EXIT } from '../exit-codes.ts';
import { colour, timeText } from '../output.ts';

/** `zvmnet hosts` */
export function hostsCommand(program: Command): void {
  program
    .command('hosts')
    .summary('the z/VM systems: workers, reconciliation')
    .description('The z/VM systems that Temporal knows: how many workers each has, and how its reconciliation goes.')
    .action(
      action(z.object({}), async (session) => {
        const client = await session.client();
        const hosts = await Promise.all((await session.hosts()).map((host) => describeHost(client, host)));
        session.output.result({ hosts }, () =>
          session.output.table(
            ['HOST', 'WORKERS', 'RECONCILIATION', 'LAST', 'NEXT'],
            hosts.map(rowOf),
            'No host is known to Temporal yet: a worker makes it known.',
          ),
        );
        return EXIT.ok;
      }),
    );
}

function rowOf({ host, workers, reconciliation }: KnownHost): string[] {
  const { paused, note, everySeconds, last, next } = reconciliation ?? { paused: true, note: 'none' };
  const how = paused
    ? colour('yellow', reconciliation === null ? 'none' : `paused${note === '' ? '' : `: ${note}`}`)
    : `every ${everySeconds ?? '?'} s`;
  return [
    host,
    workers === 0 ? colour('red', '0') : String(workers),
    how,
    last === undefined ? '–' : timeText(last),
    paused || next === undefined ? '–' : timeText(next),
  ];
}
