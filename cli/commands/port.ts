import { randomUUID } from 'node:crypto';
import type { Command } from 'commander';
import { z } from 'zod';
import { readGuestView } from '../../client/read-state.ts';
import type { OperationRequest } from '../../client/start-operation.ts';
import { type GuestView, type PortView, shownPort } from '../../domain/host/host-view.ts';
import { PortRequest } from '../../domain/operations/requests.ts';
import { PortId, Userid } from '../../domain/text/identifiers.ts';
import { NetworkWords } from '../../domain/text/network-words.ts';
import { action, argument, wholeNumber } from '../action.ts';
import { CommandFailure, EXIT, type ExitCode } from '../exit-codes.ts';
import { findPort, readHost } from '../find-port.ts';
import { networkText, portState } from '../port-words.ts';
import { runOperation } from '../run-operation.ts';
import type { Session } from '../session.ts';
import { showSideBySide } from '../side-by-side.ts';
import { eachPort, examples, optionsOf, PortChangeOptions, portChangeOptions, yesOption } from './change.ts';

/** `zvmnet port …` */
export function portCommands(program: Command): void {
  const port = program.command('port').description('Ports: recorded NICs of guests on VSWITCHes.');
  createCommand(port);
  listCommand(port);
  showCommand(port);
  setVlanCommand(port);
  for (const [name, adminStateUp] of [
    ['up', true],
    ['down', false],
  ] as const)
    (adminStateUp ? portChangeOptions : interrupting)(port.command(`${name} <port...>`))
      .description(
        adminStateUp
          ? 'Set ports up: couple their NICs, now and at the next logon.'
          : 'Set ports down: uncouple their NICs, now and at the next logon. The ports stay.',
      )
      .action(
        action(PortChangeOptions, (session, args, options) =>
          eachPort(session, args, options, ({ userid, portId }, target) => ({
            type: 'setAdminState',
            input: { ...target, userid, portId, adminStateUp },
          })),
        ),
      );
  interrupting(port.command('delete <port...>'))
    .description('Delete ports: record, authorisation and NIC. Authorisations that other ports of the guest need stay.')
    .action(
      action(PortChangeOptions, (session, args, options) =>
        eachPort(session, args, options, ({ userid, portId }, target) => ({
          type: 'deletePort',
          input: { ...target, userid, portId },
        })),
      ),
    );
}

/** Give a command that takes away or interrupts its options. */
function interrupting(command: Command): Command {
  return yesOption(portChangeOptions(command));
}

const CreateOptions = PortChangeOptions.extend({
  guest: Userid,
  vswitch: PortRequest.shape.vswitch,
  vlan: NetworkWords.optional(),
  flat: z.boolean().optional(),
  id: PortRequest.shape.portId.optional(),
  mac: PortRequest.shape.mac,
  vdev: PortRequest.shape.vdev,
  ip: PortRequest.shape.address,
  hostname: PortRequest.shape.hostname,
  down: z.boolean().optional(),
  live: z.boolean().optional(),
});

function createCommand(port: Command): void {
  portChangeOptions(port.command('create'))
    .description(
      'Create a port: record, authorisation on its VSWITCH, user directory; with --live also the NIC of the running guest.',
    )
    .requiredOption('--guest <userid>', "the guest's userid")
    .requiredOption('--vswitch <name>', 'the VSWITCH')
    .option('--vlan <id>', 'a VLAN, or those of a trunk: 1001,1002 or 100-110')
    .option('--flat', 'no VLAN')
    .option('--id <uuid>', "the port's id; default: a new one")
    .option('--mac <address>', 'the MAC address; default: a free one')
    .option('--vdev <hex>', 'the first of the three virtual devices; default: free ones')
    .option('--ip <address>', "a fixed address, for xCAT's hosts table")
    .option('--hostname <name>', 'a name for the address')
    .option('--down', 'administratively down')
    .option('--live', 'make the port live on the running guest now, not at its next logon')
    .addHelpText(
      'after',
      examples([
        'zvmnet port create --guest LNX10001 --vswitch VSW1 --vlan 1001 --live',
        'zvmnet port create --guest LNX10001 --vswitch VSWFLAT --flat --dry-run',
        'zvmnet port create --guest LNX10002 --vswitch VSWPORT --vlan 100-110,200 --mac 02:00:00:00:10:01',
      ]),
    )
    .action(
      action(CreateOptions, async (session, _args, options) => {
        const { guest: userid, vswitch, vlan, flat, id, mac, vdev, ip, hostname, down, live, wait, dryRun } = options;
        if ((vlan === undefined) !== (flat === true))
          throw new CommandFailure(EXIT.usage, 'give either --vlan, or --flat for a port without VLAN');
        const port = {
          portId: id ?? PortId.parse(randomUUID()),
          vswitch,
          network: vlan ?? { type: 'flat' as const },
          ...defined({ mac, vdev, address: ip, hostname }),
          adminStateUp: down !== true,
        };
        const target = { host: await session.host(), userid, ...optionsOf(options) };
        const request: OperationRequest =
          live === true
            ? { type: 'attachNic', input: { ...target, ports: [port] } }
            : { type: 'createPort', input: { ...target, ...port } };
        if (dryRun && id === undefined)
          session.output.tell(`The port's id would be ${port.portId}. Give it again by --id.`);
        return runOperation(session, request, wait);
      }),
    );
}

function defined<Values extends Record<string, unknown>>(values: Values): Partial<Values> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Partial<Values>;
}

const ListOptions = z.object({
  guest: Userid.optional(),
  vswitch: PortRequest.shape.vswitch.optional(),
  vlan: wholeNumber(1, 4094).optional(),
  drifted: z.boolean().optional(),
});

function listCommand(port: Command): void {
  port
    .command('list')
    .description('List recorded ports with their state on z/VM.')
    .option('--guest <userid>', 'of this guest')
    .option('--vswitch <name>', 'on this VSWITCH')
    .option('--vlan <id>', 'on this VLAN')
    .option('--drifted', 'of guests with drift')
    .addHelpText('after', examples(['zvmnet port list --vlan 1001', 'zvmnet port list --drifted --json']))
    .action(
      action(ListOptions, async (session, _args, filter) => {
        const { guests, host } = await readHost(session);
        const ports = guests
          .filter((each) => meantGuest(each, filter))
          .flatMap((each) => each.ports.filter((one) => meantPort(one, filter)));
        session.output.result({ host, ports }, () =>
          session.output.table(
            ['PORT', 'GUEST', 'NIC', 'VSWITCH', 'VLAN', 'MAC', 'Z/VM'],
            ports.map((each) => [
              each.portId,
              each.userid,
              each.vdev ?? '–',
              each.vswitch ?? '–',
              networkText(each.network),
              each.mac ?? '–',
              portState(each),
            ]),
            `${host} has no such port on record.`,
            { less: ['MAC', 'NIC'] },
          ),
        );
        return EXIT.ok;
      }),
    );
}

function meantGuest({ userid, drift }: GuestView, filter: z.output<typeof ListOptions>): boolean {
  return (filter.guest === undefined || userid === filter.guest) && (filter.drifted !== true || drift.length > 0);
}

function meantPort({ vswitch, network }: PortView, filter: z.output<typeof ListOptions>): boolean {
  if (filter.vswitch !== undefined && vswitch !== filter.vswitch) return false;
  if (filter.vlan === undefined) return true;
  if (network.type === 'flat' || network.type === 'unreadable') return false;
  return network.type === 'vlan'
    ? network.segmentationId === filter.vlan
    : network.segmentationIds.some((id) => id === filter.vlan);
}

function showCommand(port: Command): void {
  port
    .command('show <port>')
    .description('Show a port: its record beside its state on z/VM.')
    .addHelpText('after', examples(['zvmnet port show 3f2a        # the first characters of its id suffice']))
    .action(action(z.object({}), (session, [words = '']) => show(session, words)));
}

async function show(session: Session, words: string): Promise<ExitCode> {
  const view = await readHost(session);
  const { portId, userid } = findPort(view, words);
  const reading = readGuestView(await session.client(), view.host, userid, session.generation);
  const guest = await session.read(view.host, reading);
  const port = shownPort(guest, portId);
  if (port === undefined) throw new CommandFailure(EXIT.notFound, `Port ${portId} was deleted meanwhile.`);
  const { steps, problems } = guest;
  session.output.result({ host: view.host, userid, portId, ...port, steps, problems }, () => {
    session.output.print(`port ${portId} of ${userid} on ${view.host}`);
    showSideBySide(session.output, guest, [port.record]);
  });
  return EXIT.ok;
}

const SetVlanOptions = PortChangeOptions.extend({ vswitch: PortRequest.shape.vswitch.optional() });

function setVlanCommand(port: Command): void {
  interrupting(port.command('set-vlan <port> <vlan>'))
    .description(
      'Change the network of a port to a VLAN, a trunk, or flat. On a user-based VSWITCH this interrupts the NIC of a running guest briefly.',
    )
    .option('--vswitch <name>', 'move the port to this VSWITCH')
    .addHelpText(
      'after',
      examples([
        'zvmnet port set-vlan 3f2a 2001',
        'zvmnet port set-vlan 3f2a flat',
        'zvmnet port set-vlan 3f2a 1001,1002 --vswitch VSWPORT --dry-run',
      ]),
    )
    .action(
      action(SetVlanOptions, (session, [words = '', vlan = ''], options) => {
        const network = argument(NetworkWords, vlan);
        return eachPort(session, [words], options, ({ userid, portId }, target) => ({
          type: 'changeVlan',
          input: { ...target, userid, portId, network, ...defined({ vswitch: options.vswitch }) },
        }));
      }),
    );
}
