import type { AdapterType } from '../directory/nicdef.ts';
import { isMacid, parseType, parseVdev, typeOfDigit } from '../directory/nicdef.ts';
import type { Code } from '../zvm/codes.ts';
import type { Guest, Nic } from '../zvm/guest.ts';
import { operand, type SmcliCall, type SmcliFunction } from './function.ts';
import { printed } from './text.ts';

/** Operands both forms of Create_Extended take. */
export const CREATE_ADAPTER_KEYS = ['image_device_number!', 'adapter_type!', 'devices', 'channel_path_id', 'mac_id'];

/** Immediate adapter functions: they act on the running guest only (docs/reference/smcli.md 2; docs/reference/zvm.md 2.2). */
export const ADAPTER_FUNCTIONS: Record<string, SmcliFunction> = {
  Virtual_Network_Adapter_Create: {
    options: 'Tvtd',
    required: 'Tvtd',
    scope: 'live',
    status: (call) => `Adding virtual NIC to ${call.target}'s active configuration... `,
    run: (call, guest) => {
      const type = typeOfDigit(call.flags.get('t'));
      return create(call, guest, call.flags.get('v'), type, call.flags.get('d'), undefined);
    },
  },
  Virtual_Network_Adapter_Create_Extended: {
    options: 'Tk',
    required: 'Tk',
    operands: CREATE_ADAPTER_KEYS,
    scope: 'live',
    status: (call) => `Adding virtual NIC to ${call.target}... `,
    run: (call, guest) => {
      const keys = new Map(call.operands);
      const type = parseType(keys.get('adapter_type') ?? '');
      return create(call, guest, keys.get('image_device_number'), type, keys.get('devices'), keys.get('mac_id'));
    },
  },
  Virtual_Network_Adapter_Delete: {
    options: 'Tv',
    required: 'Tv',
    scope: 'live',
    status: (call) => `Removing virtual NIC from ${call.target}'s active configuration... `,
    run: (call, guest) => {
      const vdev = parseVdev(call.flags.get('v') ?? '');
      return vdev === null ? [204, 2] : call.system.removeNic(guest, vdev);
    },
  },
  Virtual_Network_Adapter_Connect_Vswitch: {
    options: 'Tvn',
    required: 'Tvn',
    scope: 'live',
    status: (call) => `Connecting virtual network adapter at ${call.flags.get('v')} to ${call.flags.get('n')}... `,
    run: (call, guest) => connect(call, guest, call.flags.get('v'), call.flags.get('n'), null),
  },
  Virtual_Network_Adapter_Connect_Vswitch_Extended: {
    options: 'Tk',
    required: 'Tk',
    operands: ['image_device_number!', 'switch_name!', 'port_selection'],
    scope: 'live',
    status: () => 'Connecting virtual network adapter to an existing virtual switch... ',
    run: (call, guest) => {
      const keys = new Map(call.operands);
      const selection = (keys.get('port_selection') ?? 'AUTO').toUpperCase();
      if (selection !== 'AUTO' && !(/^\d{1,5}$/.test(selection) && Number(selection) <= 65535)) return [24, 410];
      const port = selection === 'AUTO' ? null : Number(selection);
      return connect(call, guest, keys.get('image_device_number'), keys.get('switch_name'), port);
    },
  },
  Virtual_Network_Adapter_Connect_LAN: {
    options: 'Tvlo',
    required: 'Tvlo',
    scope: 'live',
    status: (call) => `Connecting virtual network adapter at ${call.flags.get('v')} to ${call.flags.get('l')}... `,
    run: (call, guest) => (find(guest, call.flags.get('v')) ? [212, 12] : [204, 8]),
  },
  Virtual_Network_Adapter_Disconnect: {
    options: 'Tv',
    required: 'Tv',
    scope: 'live',
    status: () => 'Disconnecting virtual network adapter... ',
    run: (call, guest) => {
      const nic = find(guest, call.flags.get('v'));
      return nic ? call.system.uncouple(guest, nic, 'disconnected') : [204, 8];
    },
  },
  Virtual_Network_Adapter_Query: {
    options: 'Tv',
    required: 'Tv',
    scope: 'live',
    run: (call, guest) => {
      const wanted = call.flags.get('v') ?? '';
      const nics = wanted === '*' ? guest.nics : guest.nics.filter((nic) => nic.vdev === parseVdev(wanted));
      return nics.length > 0 ? nics.map(describeNic).join('') : [212, 8];
    },
  },
  Virtual_Network_Adapter_Query_Extended: {
    options: 'Tk',
    required: 'Tk',
    operands: ['image_device_number!'],
    scope: 'live',
    run: (call, guest) => {
      const wanted = operand(call, 'image_device_number') ?? '';
      const nics = wanted === '*' ? guest.nics : guest.nics.filter((nic) => nic.vdev === parseVdev(wanted));
      if (nics.length === 0) return [212, 8];
      const lines = [`adapter_count=${nics.length}`, ...nics.flatMap(describeNicExtended)];
      return `${lines.join('\n')}\n`;
    },
  },
};

function find(guest: Guest, vdev: string | undefined): Nic | undefined {
  const wanted = parseVdev(vdev ?? '');
  return guest.nics.find((nic) => nic.vdev === wanted);
}

function create(
  call: SmcliCall,
  guest: Guest,
  vdevText: string | undefined,
  type: AdapterType | null,
  devicesText: string | undefined,
  macid: string | undefined,
): Code {
  const vdev = parseVdev(vdevText ?? '');
  const devices = Number(devicesText ?? '3');
  if (vdev === null) return [204, 2];
  if (type === null) return [24, 310];
  if (!Number.isInteger(devices) || devices < 3 || devices > 3072) return [24, 410];
  if (macid !== undefined && !isMacid(macid)) return [24, 610];
  const made = call.system.addNic(guest, vdev, type, devices, macid ?? null);
  return 'vdev' in made ? [0, 0] : made;
}

function connect(
  call: SmcliCall,
  guest: Guest,
  vdev: string | undefined,
  vswitch: string | undefined,
  port: number | null,
): Code {
  const nic = find(guest, vdev);
  return nic ? call.system.couple(guest, nic, vswitch ?? '', port) : [204, 8];
}

/** A coupled QDIO adapter always shows "Coupled and active", a defect of smcli (docs/reference/smcli.md 4.3). */
function describeNic(nic: Nic): string {
  const lines = [
    'Adapter:',
    `  Address: ${nic.vdev}`,
    `  Device count: ${nic.devices}`,
    `  Adapter type: ${nic.type}`,
    `  Adapter status: ${nic.vswitch === null ? 'Not coupled' : 'Coupled and active'}`,
    `  LAN owner: ${printed(nic.vswitch === null ? '' : 'SYSTEM')}`,
    `  LAN name: ${printed(nic.vswitch ?? '')}`,
  ];
  return `${lines.join('\n')}\n`;
}

/** As Feilong's tests have it of a z/VM: a NIC that is not coupled has no lines of a LAN (test_smtclient.py). */
function describeNicExtended({ vdev, vswitch, type, devices, mac }: Nic): string[] {
  const coupled = vswitch !== null;
  return [
    `adapter_address=${vdev}`,
    `port_type=${coupled ? 0 : 1}`,
    'extended_port_status=00',
    `adapter_type=${type === 'HIPERS' ? 1 : 2}`,
    `network_device_count=${devices}`,
    `adapter_status=${coupled ? '02' : '00'}`,
    ...(coupled ? ['lan_owner=SYSTEM', `lan_name=${vswitch}`] : []),
    `device_options=${coupled ? 'C1000000' : '00000000'}`,
    'router_status=00',
    ...(coupled
      ? ['mac_count=1', `mac_address=${mac.replaceAll('-', '')}`, 'mac_address_type=00', 'mac_status=00']
      : []),
    'adapter_info_end',
  ];
}
