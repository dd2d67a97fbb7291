import { isUserid, parseVlanSet } from '../directory/nicdef.ts';
import type { Code } from '../zvm/codes.ts';
import { OK } from '../zvm/codes.ts';
import type { Nic } from '../zvm/guest.ts';
import type { ZvmSystem } from '../zvm/system.ts';
import type { Authorisation, PortType, Vswitch } from '../zvm/vswitch.ts';
import { effectiveVlans } from '../zvm/vswitch.ts';
import type { SmcliCall, SmcliFunction } from './function.ts';
import { parseRdevs } from './vswitch.ts';
import { dnaPorts } from './vswitch-text.ts';

/** Keys of Set_Extended; all others are a syntax error (docs/reference/smcli.md 3.2). */
const SET_KEYS = (
  'switch_name! grant_userid user_vlan_id revoke_userid real_device_address port_name controller_name connection_value ' +
  'queue_memory_limit routing_value port_type persist gvrp_value mac_id uplink nic_userid nic_vdev lacp interval ' +
  'group_rdev iptimeout port_isolation promiscuous MAC_protect VLAN_counters nic_portselection portnum portnum_modify ' +
  'portnum_remove vlan_port_add vlan_port_remove vlan_delete vepa'
).split(' ');

const EXTENDED_STATUS = 'Changing virtual switch configuration ... ';

/** Functions that change a VSWITCH: grants, revokes, ports (docs/reference/smcli.md 3; docs/reference/zvm.md 3.2). */
export const VSWITCH_SET_FUNCTIONS: Record<string, SmcliFunction> = {
  Virtual_Network_Vswitch_Set: {
    options: 'TnIvUraicqepuGVLFRCPNYOMD',
    required: 'Tn',
    scope: 'any',
    status: (call) => `Changing configuration of virtual switch ${call.flags.get('n')}... `,
    run: (call) => set(call.system, call.flags.get('n') ?? '', fromFlags(call)),
  },
  Virtual_Network_Vswitch_Set_Extended: {
    options: 'Tk',
    required: 'Tk',
    operands: SET_KEYS,
    mostOperands: 33,
    scope: 'any',
    status: () => EXTENDED_STATUS,
    run: (call) => set(call.system, new Map(call.operands).get('switch_name') ?? '', new Map(call.operands)),
  },
};

function fromFlags(call: SmcliCall): Map<string, string> {
  const names: Record<string, string> = {
    I: 'grant_userid',
    v: 'user_vlan_id',
    U: 'revoke_userid',
    r: 'real_device_address',
  };
  const wanted = new Map<string, string>();
  for (const [letter, key] of Object.entries(names)) {
    const value = call.flags.get(letter);
    if (value !== undefined) wanted.set(key, value);
  }
  if (Number(call.flags.get('u') ?? '1') >= 2) wanted.set('persist', 'YES');
  return wanted;
}

function set(system: ZvmSystem, name: string, wanted: ReadonlyMap<string, string>): Code {
  const grant = wanted.get('grant_userid');
  const revoke = wanted.get('revoke_userid');
  const port = wanted.get('portnum') ?? wanted.get('portnum_modify');
  if (grant !== undefined && revoke !== undefined) return [396, 2838];
  for (const userid of [grant, revoke]) if (userid !== undefined && !isUserid(userid)) return [24, 310];
  const vswitch = system.vswitch(name);
  if (!vswitch) return [212, 40];
  const authorisation = parseAuthorisation(vswitch, wanted);
  if (!('vlans' in authorisation)) return authorisation;
  if (wanted.has('user_vlan_id') && grant === undefined && port === undefined) return [396, 2838];
  const rdevs = wanted.get('real_device_address');
  if (rdevs !== undefined) {
    const parsed = rdevs.toUpperCase() === 'NONE' ? [] : parseRdevs(rdevs);
    if (parsed.length > 3 || parsed.some((rdev) => !/^[0-9A-F]{4}$/.test(rdev))) return [24, 510];
    vswitch.rdevs = parsed;
    vswitch.failed = [];
  }
  const settings = changeSettings(vswitch, wanted);
  if (settings[0] !== 0) return settings;
  const portName = wanted.get('port_name');
  if (portName !== undefined) vswitch.portName = portName;
  // since directory network authorization, both kinds of VSWITCH take both kinds of authorisation (docs/reference/zvm.md 5.6)
  const byUser = !vswitch.portBased || system.behaviour.commonModel;
  if ((grant !== undefined || revoke !== undefined) && !byUser) return [396, 2838];
  if (grant !== undefined) return system.grant(vswitch, grant.toUpperCase(), authorisation);
  if (revoke !== undefined) return system.revoke(vswitch, revoke.toUpperCase());
  return setPorts(system, vswitch, wanted, authorisation, port);
}

/** Keys that the model has no state for: an error, never taken without effect. */
const NOT_MODELLED =
  'mac_id uplink nic_userid nic_vdev lacp interval group_rdev iptimeout VLAN_counters nic_portselection vepa'.split(
    ' ',
  );

function changeSettings(vswitch: Vswitch, wanted: ReadonlyMap<string, string>): Code {
  if (NOT_MODELLED.some((key) => wanted.has(key))) return [396, 3022];
  const words: [string, readonly string[], (word: string) => void][] = [
    ['port_isolation', ['ON', 'OFF'], (word) => Object.assign(vswitch, { isolated: word === 'ON' })],
    ['MAC_protect', ['ON', 'OFF'], (word) => Object.assign(vswitch, { macProtect: word === 'ON' })],
    ['queue_memory_limit', [...'12345678'], (word) => Object.assign(vswitch, { queue: Number(word) })],
    ['routing_value', ['NONROUTER', 'PRIROUTER'], (word) => Object.assign(vswitch, { router: word === 'PRIROUTER' })],
    [
      'connection_value',
      ['CONNECT', 'DISCONNECT'],
      (word) => Object.assign(vswitch, { connected: word === 'CONNECT' }),
    ],
    ['gvrp_value', ['GVRP', 'NOGVRP'], (word) => Object.assign(vswitch, { gvrp: word === 'GVRP' })],
  ];
  // an unaware VSWITCH knows no GVRP (docs/reference/smcli.md 3.1)
  if (!vswitch.aware && wanted.get('gvrp_value')?.toUpperCase() === 'GVRP') return [396, 2838];
  for (const [index, [key, allowed]] of words.entries()) {
    const value = wanted.get(key)?.toUpperCase();
    if (value !== undefined && !allowed.includes(value)) return [24, (index + 20) * 100];
  }
  for (const [key, , apply] of words) {
    const value = wanted.get(key);
    if (value !== undefined) apply(value.toUpperCase());
  }
  const controller = wanted.get('controller_name');
  if (controller !== undefined) vswitch.controller = controller.toUpperCase();
  return OK;
}

function setPorts(
  system: ZvmSystem,
  vswitch: Vswitch,
  wanted: ReadonlyMap<string, string>,
  authorisation: Authorisation,
  port: string | undefined,
): Code {
  const names = ['portnum', 'portnum_modify', 'portnum_remove', 'vlan_port_add', 'vlan_port_remove', 'vlan_delete'];
  const byPort = vswitch.portBased || system.behaviour.commonModel;
  if (!byPort) return names.some((key) => wanted.has(key)) ? [396, 2838] : OK;
  if (port !== undefined) {
    const code = assign(system, vswitch, authorisation, port);
    if (code[0] !== 0) return code;
  }
  const remove = wanted.get('portnum_remove');
  if (remove !== undefined) return /^\d{1,4}$/.test(remove) ? system.removePort(vswitch, Number(remove)) : [24, 310];
  return changePortVlans(system, vswitch, wanted);
}

function assign(system: ZvmSystem, vswitch: Vswitch, authorisation: Authorisation, port: string): Code {
  const match = /^(\d{1,4}) +(\S+)$/.exec(port.trim());
  const number = Number(match?.[1]);
  const userid = match?.[2]?.toUpperCase();
  if (userid === undefined || !isUserid(userid) || number < 1 || number > 2048) return [24, 310];
  const shown = dnaPorts(system, vswitch).get(number);
  if (shown === undefined) return system.assignPort(vswitch, number, { ...authorisation, userid });
  if (shown.userid !== userid) return [212, 8];
  setVlans(system, vswitch, number, shown, effectiveVlans(vswitch, authorisation));
  return OK;
}

/** Adds and removes VLANs of ports together: what an access port has between the two does not count. */
function changePortVlans(system: ZvmSystem, vswitch: Vswitch, wanted: ReadonlyMap<string, string>): Code {
  const shown = dnaPorts(system, vswitch);
  const after = new Map(
    [...shown, ...vswitch.ports].map(([number, { portType, ...held }]) => {
      return [number, { portType, vlans: 'nic' in held ? held.nic.vlans : held.vlans }];
    }),
  );
  for (const key of ['vlan_port_add', 'vlan_port_remove', 'vlan_delete']) {
    const value = wanted.get(key);
    if (value === undefined) continue;
    const code = changePortVlan(after, key, value);
    if (code[0] !== 0) return code;
  }
  // an access port has exactly one VLAN (docs/reference/zvm.md 3.2)
  if ([...after.values()].some((each) => each.portType === 'ACCESS' && each.vlans.length > 1)) return [396, 2838];
  for (const [number, { vlans }] of after) {
    const port = vswitch.ports.get(number);
    const of = shown.get(number);
    if (port !== undefined) {
      const before = port.vlans;
      port.vlans = vlans;
      system.showPortVlans(vswitch, number, before);
    } else if (of !== undefined) setVlans(system, vswitch, number, of, vlans);
  }
  return OK;
}

function setVlans(
  system: ZvmSystem,
  vswitch: Vswitch,
  port: number,
  shown: { userid: string; nic: Nic },
  vlans: number[],
): void {
  const { userid, nic } = shown;
  if (vlans.join() === nic.vlans.join()) return;
  nic.vlans = vlans;
  system.log('vlans-changed', { userid, vdev: nic.vdev, vswitch: vswitch.name, port, vlans });
}

function changePortVlan(ports: Map<number, { vlans: number[] }>, key: string, value: string): Code {
  const [vlan = Number.NaN, ...numbers] = value.trim().split(/ +/).map(Number);
  if (!(vlan >= 1 && vlan <= 4094)) return [24, 310];
  if (key === 'vlan_delete') {
    for (const port of ports.values()) port.vlans = port.vlans.filter((each) => each !== vlan);
    return OK;
  }
  if (numbers.length === 0) return [24, 310];
  for (const number of numbers) {
    const port = ports.get(number);
    if (!port) return [212, 8];
    const others = port.vlans.filter((each) => each !== vlan);
    port.vlans = key === 'vlan_port_add' ? [...others, vlan] : others;
  }
  return OK;
}

function parseAuthorisation(vswitch: Vswitch, wanted: ReadonlyMap<string, string>): Authorisation | Code {
  const text = wanted.get('user_vlan_id');
  const persist = (wanted.get('persist') ?? 'NO').toUpperCase();
  const promiscuous = (wanted.get('promiscuous') ?? 'NO').toUpperCase();
  const portType = (wanted.get('port_type') ?? vswitch.portType).toUpperCase();
  if (!isYesNo(persist) || !isYesNo(promiscuous) || !isPortType(portType)) return [24, 320];
  const vlans = text === undefined ? [] : parseVlanSet(text);
  if (vlans === null) return [24, 330];
  // HCPSWU2846E (docs/reference/zvm.md 3.2)
  if (text !== undefined && !vswitch.aware) return [396, 2846];
  // an access port has exactly one VLAN (docs/reference/zvm.md 3.2)
  if (portType === 'ACCESS' && vlans.length > 1) return [396, 2838];
  return { vlans, portType, promiscuous: promiscuous === 'YES', persist: persist === 'YES' };
}

function isYesNo(text: string): boolean {
  return text === 'YES' || text === 'NO';
}

function isPortType(text: string): text is PortType {
  return text === 'ACCESS' || text === 'TRUNK';
}
