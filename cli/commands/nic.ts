import type { Command } from 'commander';
import type { z } from 'zod';
import { portOperation } from '../../client/port-operation.ts';
import type { PortView } from '../../domain/host/host-view.ts';
import { action } from '../action.ts';
import type { ExitCode } from '../exit-codes.ts';
import { findPort, readHost } from '../find-port.ts';
import { runOperations } from '../run-operation.ts';
import type { Session } from '../session.ts';
import { examples, howOf, onePlanEach, PortChangeOptions, portChangeOptions } from './change.ts';

/** `zvmnet nic …` */
export function nicCommands(program: Command): void {
  const nic = program.command('nic').description('NICs of running guests.');
  for (const [name, type, description] of [
    ['attach', 'attachNic', 'Make recorded ports live on their running guests: the NIC is defined and coupled now.'],
    ['detach', 'detachNic', 'Take NICs from their running guests; the ports stay, and come back at the next logon.'],
  ] as const)
    portChangeOptions(nic.command(`${name} <port...>`))
      .description(description)
      .addHelpText('after', examples([`zvmnet nic ${name} 3f2a`, `zvmnet nic ${name} 3f2a 77c1 --dry-run`]))
      .action(action(PortChangeOptions, (session, args, options) => ofGuests(session, type, args, options)));
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
  const beginnings = [...Map.groupBy(named, (port) => port.userid)].map(([userid, ports]) => {
    const portIds = ports.map(({ portId }) => portId);
    return portOperation({
      type,
      host: view.host,
      userid,
      portIds,
      rest: { ...namedAs(type, ports), ...howOf(options) },
    });
  });
  onePlanEach(options, beginnings);
  return runOperations(session, beginnings, options.wait);
}

function namedAs(type: 'attachNic' | 'detachNic', ports: readonly PortView[]) {
  const portIds = ports.map(({ portId }) => portId);
  return type === 'attachNic' ? { ports: portIds.map((portId) => ({ portId })) } : { portIds };
}
