import type { Command } from 'commander';
import type { z } from 'zod';
import type { OperationRequest } from '../../client/start-operation.ts';
import { action } from '../action.ts';
import { confirmed } from '../confirmation.ts';
import type { ExitCode } from '../exit-codes.ts';
import { findPort, readHost } from '../find-port.ts';
import { runOperations } from '../run-operation.ts';
import type { Session } from '../session.ts';
import { examples, onePlanEach, optionsOf, PortChangeOptions, portChangeOptions, yesOption } from './change.ts';

/** `zvmnet nic …` */
export function nicCommands(program: Command): void {
  const nic = program.command('nic').description('NICs of running guests.');
  for (const [name, type, description] of [
    ['attach', 'attachNic', 'Make recorded ports live: define and couple their NICs on running guests now.'],
    [
      'detach',
      'detachNic',
      'Detach NICs from running guests. The ports stay, and the guests get them again at their next logon.',
    ],
  ] as const)
    changeOf(nic.command(`${name} <port...>`), type)
      .description(description)
      .addHelpText('after', examples([`zvmnet nic ${name} 3f2a`, `zvmnet nic ${name} 3f2a 77c1 --dry-run`]))
      .action(action(PortChangeOptions, (session, args, options) => ofGuests(session, type, args, options)));
}

function changeOf(command: Command, type: 'attachNic' | 'detachNic'): Command {
  return type === 'detachNic' ? yesOption(portChangeOptions(command)) : portChangeOptions(command);
}

/** All NICs of a guest in one operation, guest by guest. */
async function ofGuests(
  session: Session,
  type: 'attachNic' | 'detachNic',
  words: readonly string[],
  options: z.output<typeof PortChangeOptions>,
): Promise<ExitCode> {
  const view = await readHost(session);
  const named = words.map((each) => findPort(view, each));
  const requests = [...Map.groupBy(named, (port) => port.userid)].map(([userid, ports]): OperationRequest => {
    const target = { host: view.host, userid, ...optionsOf(options) };
    const portIds = ports.map(({ portId }) => portId);
    return type === 'attachNic'
      ? { type, input: { ...target, ports: portIds.map((portId) => ({ portId })) } }
      : { type, input: { ...target, portIds } };
  });
  onePlanEach(options, requests);
  return runOperations(session, await confirmed(session, requests, options), options.wait);
}
