import type { AdapterType } from '../directory/nicdef.ts';
import { parseType, parseVdev } from '../directory/nicdef.ts';
import type { Guest, Nic } from '../zvm/guest.ts';
import type { ZvmSystem } from '../zvm/system.ts';
import { abbreviates, type CpCommand, refuse } from './reply.ts';

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

/** QUERY VIRTUAL NIC. */
export function queryNic(guest: Guest, command: CpCommand): number {
  const { words, io } = command;
  const wanted = words[3] === undefined ? null : parseVdev(words[3]);
  const nics = words[3] === undefined ? guest.nics : guest.nics.filter((nic) => nic.vdev === wanted);
  if (nics.length === 0) return refuse(command, 'HCPNDQ040E', `Device ${wanted ?? '0000'} does not exist`, 40);
  io.out.write(nics.map(describe).join(''));
  return 0;
}

/** DEFINE NIC. */
export function defineNic(system: ZvmSystem, guest: Guest, command: CpCommand): number {
  const { words, io } = command;
  const vdev = parseVdev(words[2] ?? '');
  const type: AdapterType | null = words[3] === 'TYPE' ? parseType(words[4] ?? '') : 'QDIO';
  if (vdev === null || type === null) return refuse(command, 'HCPNDF003E', 'Invalid option', 3);
  if (!('vdev' in system.addNic(guest, vdev, type, 3, null)))
    return refuse(command, 'HCPNDF2797E', `Device ${vdev} already exists`, 2797);
  io.out.write(`NIC ${vdev} is created; devices ${range(vdev, 3)} defined\n`);
  return 0;
}

/** DETACH NIC. */
export function detachNic(system: ZvmSystem, guest: Guest, command: CpCommand): number {
  const [, , third = ''] = command.words;
  const vdev = parseVdev(third) ?? '';
  if (system.removeNic(guest, vdev)[0] !== 0)
    return refuse(command, 'HCPNDD040E', `Device ${third} does not exist`, 40);
  command.io.out.write(`NIC ${vdev} is destroyed; devices ${range(vdev, 3)} detached\n`);
  return 0;
}

/** COUPLE; without a target to the network of the NICDEF, with PORTNUMBER to a port (docs/reference/zvm.md 5.2). */
export function coupleNic(system: ZvmSystem, guest: Guest, command: CpCommand): number {
  const words = command.words.slice(1).filter((word) => word !== 'TO');
  const at = words.findIndex((word) => abbreviates(word, 'PORTNUMber'));
  const number = at < 0 ? undefined : words[at + 1];
  const [vdevText = '', owner = '', name = ''] = at < 0 ? words : words.toSpliced(at, 2);
  const vdev = parseVdev(vdevText);
  const nic = guest.nics.find((each) => each.vdev === vdev);
  if (!nic) return refuse(command, 'HCPCPL040E', `Device ${vdevText} does not exist`, 40);
  const lan = owner === '' ? guest.nicdefs.find((each) => each.vdev === vdev)?.lan : { owner, name };
  if (!lan) return refuse(command, 'HCPCPL026E', 'Operand missing or invalid', 26);
  const port = number === undefined || number === 'AUTO' ? null : Number(number);
  const [rc, rs] = lan.owner === 'SYSTEM' ? system.couple(guest, nic, lan.name, port) : [212, 40];
  if (rc === 0) {
    command.io.out.write(`NIC ${nic.vdev} is connected to VSWITCH SYSTEM ${lan.name}\n`);
    return 0;
  }
  if (rs === 20) return refuse(command, 'HCPCPL2788E', `NIC ${nic.vdev} not connected; already connected`, 2788);
  if (rs === 8) return refuse(command, 'HCPCPL6011E', `You are not authorized to COUPLE to SYSTEM ${lan.name}`, 6011);
  return refuse(command, 'HCPCPL2783E', `LAN SYSTEM ${lan.name} does not exist`, 2783);
}
