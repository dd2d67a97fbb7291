import { isName } from '../directory/nicdef.ts';
import type { Code } from '../zvm/codes.ts';
import { OK } from '../zvm/codes.ts';
import type { ZvmSystem } from '../zvm/system.ts';
import type { Vswitch } from '../zvm/vswitch.ts';
import { makeVswitch } from '../zvm/vswitch.ts';
import type { SmcliCall, SmcliFunction } from './function.ts';
import { describeVswitch, describeVswitchExtended } from './vswitch-text.ts';

const SYSTEM_CONFIG_FLAGS = 'LFRCPNYOMD';

const CREATE_KEYS = [
  'switch_name!',
  'real_device_address',
  'port_name',
  'controller_name',
  'connection_value',
  'queue_memory_limit',
  'routing_value',
  'transport_type',
  'vlan_id',
  'port_type',
  'persist',
  'gvrp_value',
  'native_vlanid',
  'vswitch_type',
  'iptimeout',
  'port_selection',
];

/** Functions that query, create and delete VSWITCHes (docs/reference/smcli.md 2, 3.1). */
export const VSWITCH_FUNCTIONS: Record<string, SmcliFunction> = {
  Virtual_Network_Vswitch_Query: {
    options: 'Ts',
    required: 'Ts',
    scope: 'any',
    run: (call) => query(call, call.flags.get('s') ?? '', describeVswitch),
  },
  Virtual_Network_Vswitch_Query_Extended: {
    options: 'Tk',
    required: 'Tk',
    operands: ['switch_name!', 'vepa_status'],
    scope: 'any',
    run: (call) => query(call, get(call, 'switch_name') ?? '', describeVswitchExtended),
  },
  Virtual_Network_Vswitch_Create: {
    options: `TnraicqetvpuGV${SYSTEM_CONFIG_FLAGS}`,
    required: 'Tn',
    scope: 'any',
    status: (call) => `Creating virtual switch ${call.flags.get('n')}... `,
    run: (call) => create(call.system, call.flags.get('n') ?? '', fromFlags(call)),
  },
  Virtual_Network_Vswitch_Create_Extended: {
    options: 'Tk',
    required: 'Tk',
    operands: CREATE_KEYS,
    mostOperands: 16,
    scope: 'any',
    status: () => 'Creating virtual switch... ',
    run: (call) => create(call.system, get(call, 'switch_name') ?? '', fromKeys(call)),
  },
  Virtual_Network_Vswitch_Delete: {
    options: `Tnu${SYSTEM_CONFIG_FLAGS}`,
    required: 'Tn',
    scope: 'any',
    status: (call) => `Deleting virtual switch ${call.flags.get('n')}... `,
    run: (call) => call.system.deleteVswitch(call.flags.get('n') ?? ''),
  },
  Virtual_Network_Vswitch_Delete_Extended: {
    options: 'Tk',
    required: 'Tk',
    operands: ['switch_name!', 'persist'],
    scope: 'any',
    status: () => 'Deleting virtual switch... ',
    run: (call) => call.system.deleteVswitch(get(call, 'switch_name') ?? ''),
  },
};

function get(call: SmcliCall, key: string): string | undefined {
  return call.operands.find(([each]) => each === key)?.[1];
}

function query(call: SmcliCall, name: string, text: typeof describeVswitch): Code | string {
  if (name === '*')
    return [...call.system.vswitches.values()].map((each) => text(call.system, each, call.kind)).join('');
  const vswitch = call.system.vswitch(name);
  return vswitch ? text(call.system, vswitch, call.kind) : [212, 40];
}

function create(system: ZvmSystem, name: string, fields: Partial<Vswitch> | Code): Code {
  if (!isName(name)) return [24, 210];
  if (isCode(fields)) return fields;
  if (system.vswitch(name)) return [212, 36];
  const mac = `02000000${(0x10 + system.vswitches.size).toString(16).toUpperCase().padStart(4, '0')}`;
  const vswitch = makeVswitch(name, { mac, ...fields });
  system.vswitches.set(vswitch.name, vswitch);
  system.log('vswitch-created', { vswitch: vswitch.name, persist: vswitch.persist });
  return system.behaviour.informative ? [0, 40] : OK;
}

/** The numeric options go through atoi: what is no number counts as 0 (docs/reference/smcli.md 3.1). */
function fromFlags(call: SmcliCall): Partial<Vswitch> | Code {
  const number = (letter: string, fallback: number): number => {
    const text = call.flags.get(letter);
    return text === undefined ? fallback : Number.parseInt(text, 10) || 0;
  };
  const limits: [string, number, number][] = [
    ['c', 0, 2],
    ['q', 0, 8],
    ['e', 0, 2],
    ['t', 0, 2],
    ['v', -1, 4094],
    ['p', 0, 2],
    ['u', 0, 3],
    ['G', 0, 2],
    ['V', -1, 4094],
  ];
  for (const [index, [letter, low, high]] of limits.entries())
    if (number(letter, low) < low || number(letter, low) > high) return [24, (index + 3) * 100];
  const vlan = number('v', -1);
  // an unaware switch knows neither port type nor GVRP nor native VLAN (docs/reference/smcli.md 3.1)
  if (vlan <= 0 && (number('p', 0) > 0 || number('G', 0) > 0 || number('V', -1) > 0)) return [396, 2838];
  const rdev = call.flags.get('r');
  const controller = call.flags.get('i');
  return {
    transport: number('t', 0) === 2 ? 'ETHERNET' : 'IP',
    aware: vlan > 0,
    defaultVlan: Math.max(0, vlan),
    nativeVlan: vlan > 0 ? Math.max(1, number('V', 1)) : 0,
    portType: number('p', 0) === 2 ? 'TRUNK' : 'ACCESS',
    gvrp: number('G', 0) === 1,
    queue: number('q', 8) || 8,
    router: number('e', 0) === 2,
    rdevs: rdev ? parseRdevs(rdev) : [],
    portName: call.flags.get('a') ?? '',
    connected: number('c', 1) !== 2,
    persist: number('u', 1) >= 2,
    ...(controller ? { controller } : {}),
  };
}

function fromKeys(call: SmcliCall): Partial<Vswitch> | Code {
  const upper = (key: string, fallback: string) => (get(call, key) ?? fallback).toUpperCase();
  const allowed: [string, string, RegExp][] = [
    ['transport_type', 'IP', /^(IP|ETH(ERNET)?)$/],
    ['vlan_id', 'UNAWARE', /^(UNAWARE|AWARE|\d{1,4})$/],
    ['port_type', 'ACCESS', /^(ACCESS|TRUNK)$/],
    ['persist', 'NO', /^(YES|NO)$/],
    ['gvrp_value', 'NOGVRP', /^(NO)?GVRP$/],
    ['native_vlanid', '1', /^\d{1,4}$/],
    ['port_selection', 'USERBASED', /^(PORT|USER)BASED$/],
    ['queue_memory_limit', '8', /^[1-8]$/],
    ['routing_value', 'NONROUTER', /^(NON|PRI)(ROUTER)?$/],
    ['connection_value', 'CONNECT', /^(CON(NECT)?|DISCON(NECT)?|NOUPLINK)$/],
    ['vswitch_type', 'QDIO', /^(QDIO|IEDN|INMN)$/],
    ['iptimeout', '5', /^\d{1,3}$/],
  ];
  for (const [index, [key, fallback, pattern]] of allowed.entries())
    if (!pattern.test(upper(key, fallback))) return [24, (index + 3) * 100];
  const vlan = upper('vlan_id', 'UNAWARE');
  // AWARE alone: Default VLAN: NONE (docs/reference/smcli.md 3.1)
  const defaultVlan = /^\d+$/.test(vlan) ? Number(vlan) : 0;
  if (/^\d+$/.test(vlan) && (defaultVlan < 1 || defaultVlan > 4094)) return [24, 400];
  const aware = vlan !== 'UNAWARE';
  if (!aware && ['port_type', 'native_vlanid'].some((key) => get(call, key) !== undefined)) return [396, 2838];
  if (!aware && upper('gvrp_value', 'NOGVRP') === 'GVRP') return [396, 2838];
  const rdev = get(call, 'real_device_address');
  const [controller = '*'] = upper('controller_name', '*').split(' ');
  return {
    ...(controller === '*' ? {} : { controller }),
    transport: upper('transport_type', 'IP') === 'IP' ? 'IP' : 'ETHERNET',
    aware,
    defaultVlan,
    nativeVlan: aware ? Number(upper('native_vlanid', '1')) : 0,
    portType: upper('port_type', 'ACCESS') === 'TRUNK' ? 'TRUNK' : 'ACCESS',
    persist: upper('persist', 'NO') === 'YES',
    gvrp: upper('gvrp_value', 'NOGVRP') === 'GVRP',
    portBased: upper('port_selection', 'USERBASED') === 'PORTBASED',
    queue: Number(upper('queue_memory_limit', '8')),
    router: upper('routing_value', 'NON').startsWith('PRI'),
    connected: upper('connection_value', 'CON').startsWith('CON'),
    portName: get(call, 'port_name') ?? '',
    rdevs: rdev && rdev.toUpperCase() !== 'NONE' ? parseRdevs(rdev) : [],
  };
}

/** Real devices as four hexadecimal digits, a port suffix cut off (docs/reference/smcli.md 3.1). */
export function parseRdevs(text: string): string[] {
  return text
    .trim()
    .split(/ +/)
    .map((each) => (each.split('.')[0] ?? '').toUpperCase().padStart(4, '0'));
}

function isCode(value: Partial<Vswitch> | Code): value is Code {
  return Array.isArray(value);
}
