import type { Code } from './codes.ts';
import { OK } from './codes.ts';
import { isName } from './directory.ts';
import type { SmcliCall, SmcliFunction } from './smcli.ts';
import { parseRdevs } from './smcli-vswitch.ts';
import type { Authorisation, PortType, Vswitch } from './vswitch.ts';
import { parseVlanSet } from './vswitch.ts';
import type { ZvmSystem } from './zvm-system.ts';

/** Contract 4.3: keys of Set_Extended; all others are a syntax error. */
const SET_KEYS = (
  'switch_name! grant_userid user_vlan_id revoke_userid real_device_address port_name controller_name connection_value ' +
  'queue_memory_limit routing_value port_type persist gvrp_value mac_id uplink nic_userid nic_vdev lacp interval ' +
  'group_rdev iptimeout port_isolation promiscuous MAC_protect VLAN_counters nic_portselection portnum portnum_modify ' +
  'portnum_remove vlan_port_add vlan_port_remove vlan_delete vepa'
).split(' ');

const EXTENDED_STATUS = 'Changing virtual switch configuration ... ';

/** Functions that change a VSWITCH: grants, revokes, ports (contract 4.3, 4.4). */
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
  for (const userid of [grant, revoke]) if (userid !== undefined && !isName(userid)) return [24, 310];
  const vswitch = system.vswitch(name);
  if (!vswitch) return [212, 40];
  const authorisation = parseAuthorisation(vswitch, wanted);
  if (!('vlans' in authorisation)) return authorisation;
  if (wanted.has('user_vlan_id') && grant === undefined && port === undefined) return [396, 2838];
  const rdevs = wanted.get('real_device_address');
  if (rdevs !== undefined) vswitch.rdevs = rdevs.toUpperCase() === 'NONE' ? [] : parseRdevs(rdevs);
  const portName = wanted.get('port_name');
  if (portName !== undefined) vswitch.portName = portName;
  if (grant !== undefined)
    return vswitch.portBased ? [396, 2838] : system.grant(vswitch, grant.toUpperCase(), authorisation);
  if (revoke !== undefined) return vswitch.portBased ? [396, 2838] : system.revoke(vswitch, revoke.toUpperCase());
  return setPorts(system, vswitch, wanted, authorisation, port);
}

function setPorts(
  system: ZvmSystem,
  vswitch: Vswitch,
  wanted: ReadonlyMap<string, string>,
  authorisation: Authorisation,
  port: string | undefined,
): Code {
  const names = ['portnum', 'portnum_modify', 'portnum_remove', 'vlan_port_add', 'vlan_port_remove', 'vlan_delete'];
  if (!vswitch.portBased) return names.some((key) => wanted.has(key)) ? [396, 2838] : OK;
  if (port !== undefined) {
    const match = /^(\d{1,4}) +(\S+)$/.exec(port.trim());
    const number = Number(match?.[1]);
    if (!match?.[2] || !isName(match[2]) || number < 1 || number > 2048) return [24, 310];
    const code = system.assignPort(vswitch, number, { ...authorisation, userid: match[2].toUpperCase() });
    if (code[0] !== 0) return code;
  }
  const remove = wanted.get('portnum_remove');
  if (remove !== undefined) return /^\d{1,4}$/.test(remove) ? system.removePort(vswitch, Number(remove)) : [24, 310];
  for (const key of ['vlan_port_add', 'vlan_port_remove', 'vlan_delete']) {
    const value = wanted.get(key);
    if (value === undefined) continue;
    const code = changePortVlan(vswitch, key, value);
    if (code[0] !== 0) return code;
  }
  return OK;
}

function changePortVlan(vswitch: Vswitch, key: string, value: string): Code {
  const [vlan = Number.NaN, ...numbers] = value.trim().split(/ +/).map(Number);
  if (!(vlan >= 1 && vlan <= 4094)) return [24, 310];
  if (key === 'vlan_delete') {
    for (const port of vswitch.ports.values()) port.vlans = port.vlans.filter((each) => each !== vlan);
    return OK;
  }
  if (numbers.length === 0) return [24, 310];
  for (const number of numbers) {
    const port = vswitch.ports.get(number);
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
  // contract 4.4: HCPSWU2846E
  if (text !== undefined && !vswitch.aware) return [396, 2846];
  // contract 4.4: an access port has exactly one VLAN
  if (portType === 'ACCESS' && vlans.length > 1) return [396, 2838];
  return { vlans, portType, promiscuous: promiscuous === 'YES', persist: persist === 'YES' };
}

function isYesNo(text: string): boolean {
  return text === 'YES' || text === 'NO';
}

function isPortType(text: string): text is PortType {
  return text === 'ACCESS' || text === 'TRUNK';
}
