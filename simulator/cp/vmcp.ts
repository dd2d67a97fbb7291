import type { AdapterType } from '../directory/nicdef.ts';
import { parseType, parseVdev } from '../directory/nicdef.ts';
import type { External, Io } from '../shell/machine.ts';
import type { Guest, Nic } from '../zvm/guest.ts';
import type { ZvmSystem } from '../zvm/system.ts';

/** `vmcp` of the Linux that runs as this guest: the few CP commands the MN and the zHCP need (contract 3.1). */
export function makeVmcp(system: ZvmSystem, guest: Guest): External {
  return async (argv, io) => {
    const line = argv.join(' ').trim();
    const words = line.toUpperCase().split(/ +/);
    const [verb = '', second = '', third = ''] = words;
    if (/^Q(UERY)?$/.test(verb) && /^V(IRTUAL)?$/.test(second) && third === 'NIC')
      return queryNic(guest, words, line, io);
    if (/^Q(UERY)?$/.test(verb) && second === 'VMLAN' && words.length === 2) return queryVmlan(system, io);
    if (/^DEF(INE)?$/.test(verb) && second === 'NIC') return define(system, guest, words, line, io);
    if (/^COU(PLE)?$/.test(verb)) return couple(system, guest, words, line, io);
    if (/^DET(ACH)?$/.test(verb) && second === 'NIC') {
      const vdev = parseVdev(third) ?? '';
      if (system.removeNic(guest, vdev)[0] !== 0)
        return fail(io, line, 'HCPNDD040E', `Device ${third} does not exist`, 40);
      io.out.write(`NIC ${vdev} is destroyed; devices ${range(vdev, 3)} detached\n`);
      return 0;
    }
    return fail(io, line, 'HCPCMD001E', `Unknown CP command: ${verb}`, 1);
  };
}

function fail(io: Io, line: string, message: string, text: string, code: number): number {
  io.out.write(`${message} ${text}\n`);
  io.err.write(`Error: non-zero CP response for command '${line.toUpperCase()}': #${code}\n`);
  return 1;
}

function range(vdev: string, devices: number): string {
  const last = Number.parseInt(vdev, 16) + devices - 1;
  return `${vdev}-${last.toString(16).toUpperCase().padStart(4, '0')}`;
}

function describe(nic: Nic): string {
  const lan = nic.vswitch === null ? 'LAN: * None' : `VSWITCH: SYSTEM ${nic.vswitch}`;
  return (
    `Adapter ${nic.vdev}.P00 Type: ${nic.type.padEnd(10)}Name: UNASSIGNED  Devices: ${nic.devices}\n` +
    `  MAC: ${nic.mac}         ${lan}\n`
  );
}

function queryNic(guest: Guest, words: string[], line: string, io: Io): number {
  const wanted = words[3] === undefined ? null : parseVdev(words[3]);
  const nics = words[3] === undefined ? guest.nics : guest.nics.filter((nic) => nic.vdev === wanted);
  if (nics.length === 0) return fail(io, line, 'HCPNDQ040E', `Device ${wanted ?? '0000'} does not exist`, 40);
  io.out.write(nics.map(describe).join(''));
  return 0;
}

/** Contract 5.5 and 5.16: the line with both prefixes has exactly two leading blanks. */
function queryVmlan(system: ZvmSystem, io: Io): number {
  io.out.write(
    'VMLAN maintenance level:\n  Latest Service: Base\nVMLAN MAC address assignment:\n' +
      `  System ID: ${system.name}\n` +
      `  MACADDR Prefix: ${system.macPrefix} USER Prefix: ${system.userPrefix}\n` +
      '  MACIDRANGE SYSTEM: 000001-FFFFFF\n             USER:   000000-000000\n' +
      'VMLAN default accounting status:\n  SYSTEM Accounting: OFF       USER Accounting: OFF\n' +
      `VMLAN general activity:\n  PERSISTENT Limit: INFINITE   Current: ${system.vswitches.size}\n` +
      '  TRANSIENT  Limit: INFINITE   Current: 0\n',
  );
  return 0;
}

function define(system: ZvmSystem, guest: Guest, words: string[], line: string, io: Io): number {
  const vdev = parseVdev(words[2] ?? '');
  const type: AdapterType | null = words[3] === 'TYPE' ? parseType(words[4] ?? '') : 'QDIO';
  if (vdev === null || type === null) return fail(io, line, 'HCPNDF003E', 'Invalid option', 3);
  if (!('vdev' in system.addNic(guest, vdev, type, 3, null)))
    return fail(io, line, 'HCPNDF2797E', `Device ${vdev} already exists`, 2797);
  io.out.write(`NIC ${vdev} is created; devices ${range(vdev, 3)} defined\n`);
  return 0;
}

function couple(system: ZvmSystem, guest: Guest, words: string[], line: string, io: Io): number {
  const [vdevText = '', owner = '', name = ''] = words.slice(1).filter((word) => word !== 'TO');
  const vdev = parseVdev(vdevText);
  const nic = guest.nics.find((each) => each.vdev === vdev);
  if (!nic) return fail(io, line, 'HCPCPL040E', `Device ${vdevText} does not exist`, 40);
  const [rc, rs] = owner === 'SYSTEM' ? system.couple(guest, nic, name, null) : [212, 40];
  if (rc === 0) {
    io.out.write(`NIC ${nic.vdev} is connected to VSWITCH SYSTEM ${name}\n`);
    return 0;
  }
  if (rs === 20) return fail(io, line, 'HCPCPL2788E', `NIC ${nic.vdev} not connected; already connected`, 2788);
  if (rs === 8) return fail(io, line, 'HCPCPL6011E', `You are not authorized to COUPLE to SYSTEM ${name}`, 6011);
  return fail(io, line, 'HCPCPL2783E', `LAN SYSTEM ${name} does not exist`, 2783);
}
