import { type Profile, records } from '../directory/devices.ts';
import type { AdapterType, Nicdef } from '../directory/nicdef.ts';
import {
  formatNicdef,
  isMacid,
  isName,
  nicdefStatements,
  parseNicdefOperand,
  parseType,
  parseVdev,
  typeOfDigit,
} from '../directory/nicdef.ts';
import type { Code } from '../zvm/codes.ts';
import { OK } from '../zvm/codes.ts';
import type { Guest } from '../zvm/guest.ts';
import type { ZvmSystem } from '../zvm/system.ts';
import { CREATE_ADAPTER_KEYS } from './adapter.ts';
import type { SmcliCall, SmcliFunction } from './function.ts';

/** Functions on the user directory, and those on the system as a whole (contract 4.2, 5.7). */
export const DIRECTORY_FUNCTIONS: Record<string, SmcliFunction> = {
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
  Image_Definition_Update_DM: {
    options: 'Tk',
    required: 'Tk',
    operands: ['NICDEF!'],
    scope: 'directory',
    status: (call) => `Updating ${call.target} virtual machine directory entry... `,
    run: (call, guest) => {
      const nicdefs = call.operands.map(([, value]) => parseNicdefOperand(value));
      const wrong = nicdefs.indexOf(null);
      if (wrong >= 0) return [24, (wrong + 2) * 100 + 10];
      for (const nicdef of nicdefs) {
        const code = nicdef ? call.system.addNicdef(guest, nicdef, true) : OK;
        if (code[0] !== 0) return code;
      }
      return OK;
    },
  },
  Image_Query_DM: {
    options: 'T',
    required: 'T',
    scope: 'definition',
    run: (call) => {
      const guest = call.system.guest(call.target);
      return guest ? describeEntry(guest) : [400, 4];
    },
  },
  Profile_Query_DM: {
    options: 'T',
    required: 'T',
    scope: 'definition',
    run: (call) => {
      const profile = call.system.profiles.get(call.target.toUpperCase());
      return profile ? describeProfile(profile) : [400, 4];
    },
  },
  Static_Image_Changes_Immediate_DM: {
    options: 'T',
    required: 'T',
    scope: 'directory',
    status: (call) => `Making changes to ${call.target}'s directory immediately available... `,
    run: (call) => {
      const guest = call.system.guest(call.target);
      return guest ? call.system.putOnline(guest) : [400, 4];
    },
  },
  System_Info_Query: {
    options: '',
    required: '',
    scope: 'any',
    run: (call) => describeSystem(call.system),
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
  const { written: _written, ...plain } = before;
  const after = { ...plain, lan };
  call.system.changeNicdefs(
    guest,
    guest.nicdefs.map((each) => (each === before ? after : each)),
  );
  call.system.log('nicdef-changed', { userid: guest.userid, vdev: after.vdev, statement: formatNicdef(after) });
  return OK;
}

function describeEntry(guest: Guest): string {
  const statements = [
    `USER ${guest.userid} LBYONLY9 2G 8G G`,
    ...(guest.profile === null ? [] : [`INCLUDE ${guest.profile}`]),
    'CPU 00 BASE',
    'IPL 0100',
    'MACHINE ESA 4',
    ...guest.nicdefs.flatMap(nicdefStatements),
    ...guest.statements,
    '*DVHOPT LNK0 LOG1 RCM1 SMS0 NPW1 LNGAMENG PWC20140611',
  ];
  return `${statements.flatMap(records).join('\n')}\n`;
}

/** smcli's own form: a blank line comes first. */
function describeProfile({ name, statements }: Profile): string {
  return `\n${[`PROFILE ${name}`, ...statements].flatMap(records).join('\n')}\n`;
}

function describeSystem(system: ZvmSystem): string {
  const lines = [
    'The z/VM timezone: UTC',
    `The z/VM time: ${shortTime(new Date())}`,
    'The z/VM version: z/VM Version 6 Release 3.0, service level 1401',
    'The z/VM CP Gen time: 2014-01-01 10:00:00 UTC',
    `The z/VM CP IPL time: ${shortTime(system.iplTime)} UTC`,
    'The z/VM real storage size: 8G',
  ];
  return `${lines.join('\n')}\n`;
}

/** Time of day as the z/VM and Linux commands here print it. */
function shortTime(time: Date): string {
  return time.toISOString().slice(0, 19).replace('T', ' ');
}
