import type { Command } from 'commander';
import { z } from 'zod';
import { readGuestView } from '../../client/read-state.ts';
import { Userid } from '../../domain/text/identifiers.ts';
import { action, argument } from '../action.ts';
import { CommandFailure, EXIT } from '../exit-codes.ts';
import { readHost } from '../find-port.ts';
import { colour } from '../output.ts';
import { runTogether } from '../run-operation.ts';
import { showSideBySide } from '../side-by-side.ts';
import { examples, onePlanEach, optionsOf, PortChangeOptions, portChangeOptions } from './change.ts';

const ModernizeOptions = PortChangeOptions.extend({ all: z.boolean().optional() });
const ListOptions = z.object({ drifted: z.boolean().optional() });

/** `zvmnet guest …` */
export function guestCommands(program: Command): void {
  const guest = program.command('guest').description('Guests: virtual machines with their NICs and ports.');
  listCommand(guest);
  showCommand(guest);
  modernizeCommand(guest);
}

function listCommand(guest: Command): void {
  guest
    .command('list [userid]')
    .description('List guests with their ports. The argument is a userid or its first characters.')
    .option('--drifted', 'guests with drift only')
    .addHelpText('after', examples(['zvmnet guest list LNX1', 'zvmnet guest list --drifted']))
    .action(
      action(ListOptions, async (session, [start = ''], { drifted }) => {
        const { host, guests, visitors = [] } = await readHost(session);
        const visiting = visitors.filter(({ userid }) => userid.startsWith(start.toUpperCase()) && drifted !== true);
        const found = guests.filter(
          (each) => each.userid.startsWith(start.toUpperCase()) && (drifted !== true || each.drift.length > 0),
        );
        const result = { host, guests: found, ...(visiting.length === 0 ? {} : { visitors: visiting }) };
        session.output.result(result, () => {
          session.output.table(
            ['GUEST', 'NODE', 'PORTS', 'VSWITCHES', 'DRIFT'],
            found.map(({ userid, node, ports, drift }) => [
              userid,
              node,
              String(ports.length),
              [...new Set(ports.flatMap(({ vswitch }) => (vswitch === undefined ? [] : [vswitch])))].join(', ') || '–',
              drift.length === 0 ? '–' : colour('red', drift.join('; ')),
            ]),
            `${host} has no such guest.`,
            { less: ['NODE'] },
          );
          for (const { userid, runsOn } of found)
            if (runsOn !== undefined) session.output.print(`${userid} runs on member ${runsOn}.`);
          for (const { userid, belongsTo } of visiting)
            session.output.print(`${userid} of member ${belongsTo} runs here.`);
        });
        return EXIT.ok;
      }),
    );
}

function showCommand(guest: Command): void {
  guest
    .command('show <userid>')
    .description(
      'Show a guest: its record beside its state on z/VM, and the steps that reconciliation would carry out.',
    )
    .action(
      action(z.object({}), async (session, [userid = '']) => {
        const host = await session.hostToRead();
        const name = argument(Userid, userid);
        const shown = await session.read(host, readGuestView(await session.client(), host, name, session.generation));
        session.output.result({ host, ...shown }, () => {
          const state = shown.loggedOn ? 'logged on' : 'logged off';
          const where = shown.runsOn === undefined ? '' : ` on member ${shown.runsOn}`;
          session.output.print(`${shown.userid} (node ${shown.node}) on ${host}, ${state}${where}`);
          showSideBySide(session.output, shown);
        });
        return EXIT.ok;
      }),
    );
}

function modernizeCommand(guest: Command): void {
  portChangeOptions(guest.command('modernize [userid...]'))
    .description(
      'Move guests from grants and port numbers to their directory entries, where z/VM has directory network authorization: the VLANs first, the grants last.',
    )
    .option('--all', 'all guests of the host with ports')
    .addHelpText('after', examples(['zvmnet guest modernize LNX10001 --dry-run', 'zvmnet guest modernize --all']))
    .action(
      action(ModernizeOptions, async (session, names, { all, wait, ...options }) => {
        if ((names.length === 0) !== (all === true))
          throw new CommandFailure(EXIT.usage, 'give either userids, or --all for all guests of the host');
        const { host, guests } = await readHost(session);
        const userids =
          all === true
            ? guests.filter(({ ports }) => ports.length > 0).map(({ userid }) => userid)
            : names.map((each) => argument(Userid, each));
        const requests = userids.map((userid) => ({
          type: 'modernizeGuest' as const,
          input: { host, userid, ...optionsOf(options) },
        }));
        onePlanEach({ ...options, wait }, requests);
        return runTogether(session, requests, wait);
      }),
    );
}
