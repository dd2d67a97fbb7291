import type { Command } from 'commander';
import { z } from 'zod';
import { readVswitches } from '../../client/read-state.ts';
import type { VswitchView } from '../../domain/host/host-view.ts';
import { DEFAULT_OPTIONS } from '../../domain/operations/requests.ts';
import { VswitchName } from '../../domain/text/identifiers.ts';
import { shortVlans } from '../../domain/vswitch/vlan-set.ts';
import { authorisedVlans, type Uplink, type Vswitch } from '../../domain/vswitch/vswitch.ts';
import { action, argument } from '../action.ts';
import { confirmed } from '../confirmation.ts';
import { CommandFailure, EXIT, type ExitCode } from '../exit-codes.ts';
import { readHost } from '../find-port.ts';
import { colour, type Output } from '../output.ts';
import { runOperations } from '../run-operation.ts';
import type { Session } from '../session.ts';
import { ChangeOptions, changeOptions, examples, yesOption } from './change.ts';

/** `zvmnet vswitch …` */
export function vswitchCommands(program: Command): void {
  const vswitch = program.command('vswitch').description("The host's virtual switches.");
  vswitch
    .command('list')
    .description('List the VSWITCHes of z/VM.')
    .action(action(z.object({}), list));
  vswitch
    .command('show <vswitch>')
    .description('Show a VSWITCH: uplinks, authorisations with their VLANs, coupled NICs.')
    .action(action(z.object({}), show));
  changeOptions(vswitch.command('ensure <vswitch>'))
    .description('Create a VSWITCH as configured, or change its uplinks.')
    .addHelpText('after', examples(['zvmnet vswitch ensure VSW1 --dry-run']))
    .action(action(ChangeOptions, (session, [name = ''], options) => change(session, 'ensureVswitch', name, options)));
  yesOption(changeOptions(vswitch.command('delete <vswitch>')))
    .description(
      'Delete a VSWITCH that is no longer configured. A VSWITCH with foreign NICs or grants is never deleted.',
    )
    .option('--force', 'even with recorded ports and their coupled NICs')
    .action(
      action(
        ChangeOptions.extend({ force: z.boolean().default(false), yes: z.boolean().default(false) }),
        (session, [name = ''], options) => change(session, 'deleteVswitch', name, options),
      ),
    );
}

async function list(session: Session): Promise<ExitCode> {
  const { host, vswitches } = await readHost(session);
  session.output.result({ host, vswitches }, () =>
    session.output.table(
      ['VSWITCH', 'PHYSICAL NETWORK', 'TYPE', 'LAYER', 'UPLINKS', 'STATUS', 'GRANTS', 'NICS'],
      vswitches.map(rowOf),
      `${host} has no VSWITCH.`,
      { less: ['LAYER', 'STATUS', 'GRANTS', 'NICS'] },
    ),
  );
  return EXIT.ok;
}

function rowOf(each: VswitchView): string[] {
  return [
    each.name,
    each.physicalNetwork ?? 'not configured',
    typeOf(each),
    each.transport === 'IP' ? '3' : '2',
    each.uplinks.map(uplinkText).join(', ') || 'none',
    each.status ?? '–',
    String(each.authorisations.length),
    String(each.nics.length),
  ];
}

function typeOf({ vlanAware, portSelection }: Pick<Vswitch, 'vlanAware' | 'portSelection'>): string {
  if (!vlanAware) return 'VLAN-unaware';
  return portSelection === 'PORTBASED' ? 'port-based' : 'user-based';
}

function uplinkText({ rdev, state, error }: Uplink): string {
  if (state === 'inactive') return colour('red', `${rdev} ${state}${error === undefined ? '' : ` (${error})`}`);
  return `${rdev} ${state}`;
}

async function show(session: Session, [name = '']: string[]): Promise<ExitCode> {
  const host = await session.hostToRead();
  const wanted = argument(VswitchName, name);
  const vswitch = (await session.read(host, readVswitches(await session.client(), host))).find(
    (each) => each.name === wanted,
  );
  if (vswitch === undefined) throw new CommandFailure(EXIT.notFound, `${host} has no VSWITCH ${wanted}.`);
  session.output.result({ host, ...vswitch }, () => showVswitch(session.output, host, vswitch));
  return EXIT.ok;
}

function showVswitch(output: Output, host: string, vswitch: Vswitch): void {
  const { name, transport, status, uplinks, authorisations, nics } = vswitch;
  output.print(
    `${name} on ${host}: layer ${transport === 'IP' ? '3' : '2'}, ${typeOf(vswitch)}${status === undefined ? '' : `, ${status}`}`,
  );
  output.print(`uplinks: ${uplinks.map(uplinkText).join(', ') || 'none'}`);
  output.table(
    ['GUEST', 'VLANS', 'PORT', 'NICS'],
    authorisations.map(({ userid, vlans, portNumber }) => [
      userid,
      shortVlans(authorisedVlans(vswitch, { userid, vlans })).join(',') || 'flat',
      portNumber === undefined ? '–' : String(portNumber),
      nics
        .filter((nic) => nic.userid === userid)
        .map((nic) => nic.vdev)
        .join(', ') || '–',
    ]),
    'No authorisations.',
  );
}

async function change(
  session: Session,
  type: 'ensureVswitch' | 'deleteVswitch',
  words: string,
  { wait, dryRun, force = false, yes }: { wait: boolean; dryRun: boolean; force?: boolean; yes?: boolean },
): Promise<ExitCode> {
  const vswitch = argument(VswitchName, words);
  const { giveUpAfterMinutes } = DEFAULT_OPTIONS;
  const input = { host: await session.host(), vswitch, giveUpAfterMinutes, dryRun };
  const request = type === 'ensureVswitch' ? { type, input } : { type, input: { ...input, force } };
  return runOperations(session, await confirmed(session, [request], { yes, dryRun }), wait);
}
