import type { Command } from 'commander';
import { z } from 'zod';
import { readGuestView } from '../../client/read-state.ts';
import { Userid } from '../../domain/text/identifiers.ts';
import { action, argument } from '../action.ts';
import { EXIT } from '../exit-codes.ts';
import { readHost } from '../find-port.ts';
import { colour } from '../output.ts';
import { showSideBySide } from '../side-by-side.ts';
import { examples } from './change.ts';

const ListOptions = z.object({ drifted: z.boolean().optional() });

/** `zvmnet guest …` */
export function guestCommands(program: Command): void {
  const guest = program.command('guest').description('Guests: virtual machines with their NICs.');
  guest
    .command('list [userid]')
    .description('Guests with their ports; with the beginning of a userid, those that begin so.')
    .option('--drifted', 'those that are not as recorded')
    .addHelpText('after', examples(['zvmnet guest list LNX1', 'zvmnet guest list --drifted']))
    .action(
      action(ListOptions, async (session, [start = ''], { drifted }) => {
        const { host, guests } = await readHost(session);
        const found = guests.filter(
          (each) => each.userid.startsWith(start.toUpperCase()) && (drifted !== true || each.drift.length > 0),
        );
        session.output.result({ host, guests: found }, () =>
          session.output.table(
            ['GUEST', 'NODE', 'PORTS', 'VSWITCHES', 'DRIFT'],
            found.map(({ userid, node, ports, drift }) => [
              userid,
              node,
              String(ports.length),
              [...new Set(ports.flatMap(({ vswitch }) => (vswitch === undefined ? [] : [vswitch])))].join(', ') || '–',
              drift.length === 0 ? '–' : colour('red', drift.join('; ')),
            ]),
            `No such guest on ${host}.`,
          ),
        );
        return EXIT.ok;
      }),
    );
  guest
    .command('show <userid>')
    .description('A guest: what is recorded beside what z/VM has, and what reconciliation would do.')
    .action(
      action(z.object({}), async (session, [userid = '']) => {
        const host = await session.hostToRead();
        const name = argument(Userid, userid);
        const shown = await session.read(host, readGuestView(await session.client(), host, name, session.generation));
        session.output.result({ host, ...shown }, () => {
          const state = shown.loggedOn ? 'logged on' : 'logged off';
          session.output.print(`${shown.userid} (node ${shown.node}) on ${host}, ${state}`);
          showSideBySide(session.output, shown);
        });
        return EXIT.ok;
      }),
    );
}
