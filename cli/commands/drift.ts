import type { Command } from 'commander';
import { z } from 'zod';
import { findingText } from '../../domain/drift/finding.ts';
import { action } from '../action.ts';
import { EXIT } from '../exit-codes.ts';
import { readHost } from '../find-port.ts';
import { colour } from '../output.ts';

/** `zvmnet drift` */
export function driftCommand(program: Command): void {
  program
    .command('drift')
    .summary('show drift from the record')
    .description(
      'Drift from the record: authorisations, VLANs, VSWITCHes. Exit code 6 when there is any. `reconcile --dry-run` also compares directory entries and NICs.',
    )
    .action(
      action(z.object({}), async (session) => {
        const { host, guests, findings } = await readHost(session);
        const drifted = guests
          .filter(({ drift }) => drift.length > 0)
          .map(({ userid, drift }) => ({ userid, lines: drift }));
        const foreign = guests.flatMap(({ userid, foreignNics }) => foreignNics.map((nic) => ({ userid, ...nic })));
        session.output.result({ host, guests: drifted, foreign, findings }, () => {
          for (const { userid, lines } of drifted)
            for (const line of lines) session.output.print(`${colour('red', userid)}  ${line}`);
          for (const { userid, vdev, vswitch } of foreign)
            session.output.print(
              `${userid}  NIC ${vdev} on ${vswitch} is foreign: no port records it, nothing changes it`,
            );
          for (const finding of findings) session.output.print(`${colour('red', 'finding')}  ${findingText(finding)}`);
          if (drifted.length === 0) session.output.print(colour('green', `${host} has no drift.`));
        });
        return drifted.length === 0 ? EXIT.ok : EXIT.drift;
      }),
    );
}
