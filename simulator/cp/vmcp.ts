import type { External } from '../shell/machine.ts';
import type { Guest } from '../zvm/guest.ts';
import { levelOf } from '../zvm/release.ts';
import type { ZvmSystem } from '../zvm/system.ts';
import { coupleNic, defineNic, detachNic, queryNic } from './nic.ts';
import { queryVswitch } from './query-vswitch.ts';
import { abbreviates, answer, type CpCommand, refuse } from './reply.ts';
import { queryVmlan } from './vmlan.ts';

/** `vmcp` of the Linux that runs as this guest: the CP commands that clients of the MN and the zHCP use (docs/reference/xcat.md 3.1). */
export function makeVmcp(system: ZvmSystem, guest: Guest): External {
  return async (argv, io) => {
    const line = argv.join(' ').trim();
    const command: CpCommand = { words: line.toUpperCase().split(/ +/), line, io };
    const [verb = '', second = ''] = command.words;
    if (abbreviates(verb, 'Query')) return query(system, guest, command);
    if (abbreviates(verb, 'DEFine') && second === 'NIC') return defineNic(system, guest, command);
    if (abbreviates(verb, 'COUple')) return coupleNic(system, guest, command);
    if (abbreviates(verb, 'DETach') && second === 'NIC') return detachNic(system, guest, command);
    return refuse(command, 'HCPCMD001E', `Unknown CP command: ${verb}`, 1);
  };
}

function query(system: ZvmSystem, guest: Guest, command: CpCommand): number {
  const [, second, third = ''] = command.words;
  if (second === undefined) return refuse(command, 'HCPCQV026E', 'Operand missing or invalid', 26);
  if (abbreviates(second, 'Virtual') && third === 'NIC') return queryNic(guest, command);
  if (second === 'NIC') return queryNic(guest, { ...command, words: command.words.toSpliced(1, 0, 'VIRTUAL') });
  if (second === 'VMLAN' && third === '') return queryVmlan(system, command);
  if (second === 'VSWITCH') return queryVswitch(system, command);
  if (second === 'USERID') return answer(command, [`${guest.userid.padEnd(8)} AT ${system.name}`]);
  if (second === 'CPLEVEL') return queryLevel(system, command);
  if (second === 'SSI') return querySsi(system, command);
  return queryUser(system, abbreviates(second, 'User') ? third : second, command);
}

function queryLevel(system: ZvmSystem, command: CpCommand): number {
  const [date = '', time = ''] = system.iplTime.toISOString().slice(0, 19).split('T');
  const [year = '', month = '', day = ''] = date.split('-');
  return answer(command, [
    `${levelOf(system.release)} (64-bit)`,
    'Generated at 01/01/14 10:00:00 UTC',
    `IPL at ${month}/${day}/${year.slice(2)} ${time} UTC`,
  ]);
}

/** QUERY SSI, by the lines that Feilong reads of it (smtLayer/vmcp.py). */
function querySsi(system: ZvmSystem, command: CpCommand): number {
  if (system.members.length === 0) return answer(command, ['This system is not a member of an SSI cluster.']);
  const slots = Array.from({ length: MOST_MEMBERS }, (_, index) => system.members[index]?.name);
  return answer(command, [
    'SSI Name: ZVMSSI',
    'SSI Mode: Stable',
    'Cross-System Timeouts: Enabled',
    'SSI Persistent Data Record (PDR) device: SSICOM on 0200',
    'SLOT SYSTEMID STATE     PDR HEARTBEAT       RECEIVED HEARTBEAT',
    ...slots.map((name, index) =>
      name === undefined
        ? `   ${index + 1} -------- Available`
        : `   ${index + 1} ${name.padEnd(8)} Joined    01/01/14 10:00:00   01/01/14 10:00:00`,
    ),
  ]);
}

const MOST_MEMBERS = 4;

/**
 * A single-configuration user that another member of the SSI cluster runs is shown with SSI in place of its terminal (Feilong's
 * zvmsdk/utils.py); an IDENTITY is shown where it runs alone (docs/reference/zvm.md 7).
 */
function queryUser(system: ZvmSystem, userid: string, command: CpCommand): number {
  const guest = system.guest(userid);
  if (!guest) return refuse(command, 'HCPCQV003E', `Invalid option - ${userid}`, 3);
  if (guest.loggedOn) return answer(command, [`${userid.padEnd(8)} - DSC`]);
  if (!guest.entry.isIdentity && system.isElsewhere(userid)) return answer(command, [`${userid.padEnd(8)} - SSI`]);
  return refuse(command, 'HCPCQU045E', `${userid} not logged on`, 45);
}
