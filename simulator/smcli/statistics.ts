import type { Code } from '../zvm/codes.ts';
import type { Nic } from '../zvm/guest.ts';
import type { Vswitch } from '../zvm/vswitch.ts';
import { operand, type SmcliCall, type SmcliFunction } from './function.ts';

/** Functions that count: the counters are all 0, the VLANs and ports in them are those of the NICs. */
export const STATISTICS_FUNCTIONS: Record<string, SmcliFunction> = {
  Virtual_Network_VLAN_Query_Stats: {
    options: 'Tk',
    required: 'Tk',
    operands: ['userid!', 'fmt_version', 'VLAN_id', 'device'],
    mostOperands: 4,
    scope: 'any',
    // smcliVirtual.c counts the operands: fewer than two are too few for it
    check: (call) => (call.operands.length < 2 ? { stdout: '\nERROR: Missing required options\n' } : null),
    run: vlanStatistics,
  },
  Virtual_Network_Vswitch_Query_Byte_Stats: {
    options: 'Tk',
    required: 'Tk',
    only: 'zthin',
    operands: ['switch_name!'],
    scope: 'any',
    run: byteStatistics,
  },
};

/** Each NIC of a user with its VLANs, and each port that it is coupled to (smcliVirtual.c; DIAGNOSE X'26C'). */
function vlanStatistics(call: SmcliCall): Code | string {
  const guest = call.system.guest(operand(call, 'userid') ?? '');
  if (!guest) return [200, 4];
  if (!guest.loggedOn) return call.system.loggedOffCode();
  const device = (operand(call, 'device') ?? 'BOTH').toUpperCase();
  if (!['PORT', 'NIC', 'BOTH'].includes(device)) return [24, 413];
  const vlan = operand(call, 'VLAN_id');
  const coupled = guest.nics.filter((nic) => nic.vswitch !== null);
  const ports = device === 'NIC' ? [] : coupled.map((nic) => block('PORT', nic.vswitch ?? '', nic, vlan));
  const nics = device === 'PORT' ? [] : coupled.map((nic) => block('NIC', nic.vdev, nic, vlan));
  const count = `portNicArrayCount = ${ports.length + nics.length}\n`;
  // the later program prints the count twice
  return `${call.kind === 'zthin' ? count : ''}${count}\n${[...ports, ...nics].join('')}`;
}

function block(type: 'PORT' | 'NIC', name: string, { vlans, connection }: Nic, only: string | undefined): string {
  const [first, second] = type === 'PORT' ? ['port_name', 'port_num'] : ['nic_addr', 'nic_num'];
  const head = `type = ${type}\n${first} = ${name}\n${second} = ${connection?.cpPort ?? 0}\n\n`;
  const shown = vlans.filter((vlan) => only === undefined || vlan === Number(only));
  const counters = 'pseg_rx = 0\npseg_rx_disc = 0\npseg_tx = 0\npseg_tx_disc = 0\n\n';
  return head + shown.map((vlan) => `pseg_vlanid = ${vlan}\n${counters}`).join('');
}

function byteStatistics(call: SmcliCall): Code | string {
  const name = operand(call, 'switch_name') ?? '';
  const one = call.system.vswitch(name);
  const found = name === '*' ? [...call.system.vswitches.values()] : one ? [one] : undefined;
  if (found === undefined) return [212, 40];
  const blocks = found.map((vswitch, index) => describeBytes(call, vswitch, index + 1));
  return `vswitch count: ${found.length}\n\n${blocks.join('')}`;
}

const COUNTERS = ['fr_rx', 'fr_rx_dsc', 'fr_rx_err', 'fr_tx', 'fr_tx_dsc', 'fr_tx_err', 'rx', 'tx'];

function describeBytes({ system }: SmcliCall, vswitch: Vswitch, number: number): string {
  const coupled = system.connections(vswitch.name);
  const vlans = [...new Set(coupled.flatMap(({ nic }) => nic.vlans))];
  const lines = [
    `vswitch number: ${number}`,
    `vswitch name: ${vswitch.name}`,
    `uplink count: ${vswitch.rdevs.length}`,
    ...vswitch.rdevs.flatMap((rdev) => [`uplink_conn: RDEV ${rdev}`, ...zeroes('uplink', 18)]),
    ...zeroes('bridge', 18),
    `nic count: ${coupled.length}`,
    ...coupled.flatMap(({ guest, nic }) => [`nic_id: ${guest.userid} ${nic.vdev}`, ...zeroes('nic', 18)]),
    `vlan count: ${vlans.length}`,
    ...vlans.flatMap((vlan) => [`vlan_id: ${vlan}`, 'vlan_rx:          0', 'vlan_tx:          0']),
  ];
  return `${lines.join('\n')}\n\n`;
}

function zeroes(kind: string, width: number): string[] {
  return COUNTERS.map((counter) => `${`${kind}_${counter}:`.padEnd(width)}0`);
}
