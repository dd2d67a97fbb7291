import type { AdapterType, Nicdef } from '../directory/nicdef.ts';
import { isMacid, isName, parseType, parseVdev, typeOfDigit } from '../directory/nicdef.ts';
import type { Code } from '../zvm/codes.ts';
import type { Guest } from '../zvm/guest.ts';
import { CREATE_ADAPTER_KEYS } from './adapter.ts';
import type { SmcliCall, SmcliFunction } from './function.ts';

/** Functions on the NICs of a directory entry (docs/reference/smcli.md 2; docs/reference/zvm.md 2.2). */
export const DIRECTORY_ADAPTER_FUNCTIONS: Record<string, SmcliFunction> = {
  Virtual_Network_Adapter_Create_DM: {
    options: 'Tvancm',
    required: 'Tvan',
    scope: 'directory',
    status: (call) => `Adding virtual NIC to ${call.target}'s directory entry... `,
    run: (call, guest) => {
      const values = ['v', 'n', 'c', 'm'].map((letter) => call.flags.get(letter));
      return create(call, guest, values, typeOfDigit(call.flags.get('a')));
    },
  },
  Virtual_Network_Adapter_Create_Extended_DM: {
    options: 'Tk',
    required: 'Tk',
    operands: CREATE_ADAPTER_KEYS,
    scope: 'directory',
    status: (call) => `Adding virtual NIC to ${call.target}'s directory entry... `,
    run: (call, guest) => {
      const keys = new Map(call.operands);
      const values = ['image_device_number', 'devices', 'channel_path_id', 'mac_id'].map((key) => keys.get(key));
      return create(call, guest, values, parseType(keys.get('adapter_type') ?? ''));
    },
  },
  Virtual_Network_Adapter_Connect_Vswitch_DM: {
    options: 'Tvn',
    required: 'Tvn',
    scope: 'directory',
    status: (call) => `Defining virtual switch connection in ${call.target}'s directory entry... `,
    run: (call, guest) => {
      const name = call.flags.get('n') ?? '';
      return isName(name) ? relink(call, guest, { owner: 'SYSTEM', name }) : [24, 410];
    },
  },
  Virtual_Network_Adapter_Connect_LAN_DM: {
    options: 'Tvno',
    required: 'Tvno',
    scope: 'directory',
    status: (call) => `Defining virtual network LAN connection in ${call.target}'s directory entry... `,
    run: (call, guest) =>
      relink(call, guest, { owner: (call.flags.get('o') ?? '').toUpperCase(), name: call.flags.get('n') ?? '' }),
  },
  Virtual_Network_Adapter_Disconnect_DM: {
    options: 'Tv',
    required: 'Tv',
    scope: 'directory',
    status: (call) =>
      `Removing virtual network LAN or virtual switch connection from ${call.target}'s directory entry... `,
    run: (call, guest) => {
      const nicdef = guest.nicdefs.find((each) => each.vdev === parseVdev(call.flags.get('v') ?? ''));
      return nicdef !== undefined && nicdef.lan === null ? [212, 32] : relink(call, guest, null);
    },
  },
  Virtual_Network_Adapter_Delete_DM: {
    options: 'Tv',
    required: 'Tv',
    scope: 'directory',
    status: (call) => `Removing virtual NIC from ${call.target}'s directory entry... `,
    run: (call, guest) => {
      const vdev = parseVdev(call.flags.get('v') ?? '');
      return vdev === null ? [204, 2] : call.system.removeNicdef(guest, vdev);
    },
  },
};

function create(
  call: SmcliCall,
  guest: Guest,
  [vdevText, devicesText, chpid, macid]: (string | undefined)[],
  type: AdapterType | null,
): Code {
  const vdev = parseVdev(vdevText ?? '');
  const devices = devicesText === undefined ? null : Number(devicesText);
  if (vdev === null) return [204, 2];
  if (type === null) return [24, 310];
  if (devices !== null && !(Number.isInteger(devices) && devices >= 3 && devices <= 3072)) return [24, 410];
  if (chpid !== undefined && !/^[0-9A-Fa-f]{2}$/.test(chpid)) return [24, 510];
  if (macid !== undefined && !isMacid(macid)) return [24, 610];
  const nicdef = { vdev, type, devices, lan: null, chpid: chpid ?? null, macid: macid?.toUpperCase() ?? null };
  return call.system.addNicdef(guest, { ...nicdef, portNumber: null }, false);
}

function relink(call: SmcliCall, guest: Guest, lan: Nicdef['lan']): Code {
  const vdev = parseVdev(call.flags.get('v') ?? '');
  const before = guest.nicdefs.find((each) => each.vdev === vdev);
  if (!before) return [404, 8];
  return call.system.changeNicdef(guest, { ...before, lan });
}
