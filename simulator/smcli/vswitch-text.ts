import type { PortType } from '../directory/nicdef.ts';
import type { Nic } from '../zvm/guest.ts';
import type { ZvmSystem } from '../zvm/system.ts';
import type { Authorisation, Vswitch } from '../zvm/vswitch.ts';
import { activeRdev, effectiveVlans } from '../zvm/vswitch.ts';
import type { Kind } from './function.ts';
import { printed } from './text.ts';

/** One VSWITCH as Virtual_Network_Vswitch_Query prints it (docs/reference/smcli.md 4.1). */
export function describeVswitch(system: ZvmSystem, vswitch: Vswitch, kind: Kind): string {
  const title = vswitch.transport === 'ETHERNET' ? 'Ethernet' : 'IP';
  const router = vswitch.router ? 'will act' : 'will not act';
  const lines = [
    `VSWITCH:  Name: ${vswitch.name}`,
    `  Transport type: ${title}`,
    `  Port type: ${vswitch.portType === 'TRUNK' ? 'Trunk' : 'Access'}`,
    `  Queue memory limit: ${vswitch.queue}`,
    `  Routing value: The device ${router} as a router`,
    `  VLAN ID: ${shown(vswitch.aware ? shownVlan(vswitch.defaultVlan) : 0, kind, String)}`,
    `  Native VLAN ID: ${vswitch.nativeVlan}`,
    `  MAC ID: ${vswitch.mac}`,
    `  GVRP request attributes: ${vswitch.gvrp ? 'GVRP requested' : 'GVRP not requested'}`,
    `  GVRP enabled attributes: ${vswitch.gvrp ? 'GVRP enabled' : 'GVRP not enabled'}`,
    `  Switch status: ${{ 1: 'Virtual switch defined', 7: 'OSA device not ready', 8: 'OSA device ready' }[status(vswitch)]}`,
    '  Devices:',
  ];
  for (const rdev of vswitch.rdevs) {
    lines.push(
      `    Real device: ${rdev}`,
      `    Controller name: ${printed(vswitch.controller)}`,
      `    Port name: ${printed(vswitch.portName)}`,
    );
    const state = ['Device is not active', 'Device is active', 'Device is a backup device'][
      deviceStatus(vswitch, rdev)
    ];
    const error = vswitch.failed.includes(rdev) ? 'Initialization error' : 'No error';
    lines.push(`    Device status: ${state}`, `    Device error status: ${error}`, '');
  }
  lines.push('  Authorized users:');
  for (const { userid } of authorised(vswitch)) lines.push(`    User: ${userid}`);
  lines.push('  Connections:');
  for (const { guest, nic } of system.connections(vswitch.name))
    lines.push(`    Adapter owner: ${guest.userid}  Device number: ${nic.vdev}`);
  return `${lines.join('\n')}\n`;
}

/** One VSWITCH as Query_Extended prints it: 22 lines with a leading blank, then blocks without (docs/reference/smcli.md 4.2). */
export function describeVswitchExtended(system: ZvmSystem, vswitch: Vswitch, kind: Kind): string {
  const vlanText = (vlan: number) => (kind === 'zthin' ? String(vlan) : four(vlan));
  const gvrp = vswitch.gvrp ? 'GVRP' : 'NOGVRP';
  const lines = [
    ` switch_name: ${vswitch.name}`,
    ` transport_type: ${vswitch.transport}`,
    ` port_type: ${vswitch.portType}`,
    ` queue_memory_limit: ${vswitch.queue}`,
    ` routing_value: ${vswitch.router ? 'PRIROUTER' : 'NONROUTER'}`,
    ` vlan_awareness: ${vswitch.aware ? 'AWARE' : 'UNAWARE'}`,
    ` vlan_id: ${shown(vswitch.aware ? shownVlan(vswitch.defaultVlan) : 0, kind, vlanText)}`,
    ` native_vlan_id: ${shown(vswitch.nativeVlan, kind, vlanText)}`,
    ` mac_address: ${(vswitch.mac.match(/../g) ?? []).join('-')}`,
    ` gvrp_request_attribute: ${gvrp}`,
    ` gvrp_enabled_attribute: ${gvrp}`,
    ` switch_status: ${status(vswitch)}`,
    ' link_ag: LAG:',
    ' lag_interval: 0',
    ' lag_group: (NOGRP)',
    ' IP_timeout: 5',
    ' switch_type: QDIO',
    ` isolation_status: ${vswitch.isolated ? 'ISOLATION' : 'NOISOLATION'}`,
    ` MAC_protect: ${vswitch.macProtect ? 'MACPROTECT' : 'NOMACPROTECT'}`,
    ` user_port_based: ${vswitch.portBased ? 'PORTBASED' : 'USERBASED'}`,
    ' VLAN_counters: E)',
    ' vepa_status: (NONE)',
  ];
  // a device without controller ends the list of devices, and the exit status is 1 (docs/reference/smcli.md 1.2)
  const nameless = vswitch.controller === '' && vswitch.rdevs.length > 0;
  if (nameless) lines.push('Error controller_name is NULL!!');
  for (const rdev of nameless ? [] : vswitch.rdevs)
    lines.push(
      `real_device_address: ${rdev}`,
      `virtual_device_address: ${rdev === activeRdev(vswitch) ? '0600' : '0000'}`,
      `controller_name: ${vswitch.controller}`,
      `port_name: ${vswitch.portName || '(NONE)'}`,
      `device_status: ${deviceStatus(vswitch, rdev)}`,
      `device_error_status ${vswitch.failed.includes(rdev) ? INITIALISATION_ERROR : 0}`,
    );
  for (const { userid, port, grant } of [...authorised(vswitch), ...listed(system, vswitch)]) {
    const vlans = effectiveVlans(vswitch, grant);
    // unaware switches report one VLAN, too (docs/reference/smcli.md 4.2)
    const numbers = vlans.length > 0 ? vlans : [vswitch.aware ? NO_VLAN : 0];
    lines.push(
      `port_num: ${four(port)}`,
      `grant_userid: ${userid}`,
      `promiscuous_mode: ${grant.promiscuous ? 'PROM' : 'NOPROM'}`,
      'osd_sim: NOOSDSIM',
      `vlan_count: ${numbers.length}`,
      ...numbers.map((vlan) => `user_vlan_id: ${vlanText(vlan)}`),
    );
  }
  for (const { guest, nic } of system.connections(vswitch.name))
    lines.push(
      `adapter_owner: ${guest.userid}`,
      `adapter_vdev: ${nic.vdev}`,
      `adapter_macaddr: ${nic.mac}`,
      `adapter_type: ${nic.type}`,
    );
  return `${lines.join('\n')}\n`;
}

const INITIALISATION_ERROR = 6;
/** SMAPI's number for NONE */
const NO_VLAN = 32768;

function shownVlan(vlan: number): number {
  return vlan === 0 ? NO_VLAN : vlan;
}

/** 1 as it was defined, 8 after a fail over, 7 when no uplink works any more (docs/reference/smcli.md 4.1; docs/reference/zvm.md 3.1). */
function status(vswitch: Vswitch): 1 | 7 | 8 {
  if (vswitch.failed.length === 0) return 1;
  return activeRdev(vswitch) === null ? 7 : 8;
}

function deviceStatus(vswitch: Vswitch, rdev: string): 0 | 1 | 2 {
  if (vswitch.failed.includes(rdev)) return 0;
  return rdev === activeRdev(vswitch) ? 1 : 2;
}

function authorised(vswitch: Vswitch): { userid: string; port: number; grant: Authorisation }[] {
  const users = [...vswitch.authorisations].map(([userid, grant]) => ({ userid, port: 0, grant }));
  const ports = [...vswitch.ports].map(([port, grant]) => ({ userid: grant.userid, port, grant }));
  return [...users, ...ports];
}

function four(value: number): string {
  return String(value).padStart(4, '0');
}

/** The later program says NONE for SMAPI's number (smcliVirtual.c). */
function shown(vlan: number, kind: Kind, text: (vlan: number) => string): string {
  return kind === 'zthin' && vlan === NO_VLAN ? 'NONE' : text(vlan);
}

function listed(system: ZvmSystem, vswitch: Vswitch): { userid: string; port: number; grant: Shown }[] {
  return [...dnaPorts(system, vswitch)].map(([port, { userid, nic, promiscuous }]) => {
    return { userid, port, grant: { vlans: nic.vlans, promiscuous } };
  });
}

type Shown = Pick<Authorisation, 'vlans' | 'promiscuous'>;

/** Ports of NICs that the directory authorises, where CP shows them as authorisations (docs/reference/zvm.md 5.6: an option). */
export function dnaPorts(
  system: ZvmSystem,
  vswitch: Vswitch,
): Map<number, { userid: string; nic: Nic; portType: PortType; promiscuous: boolean }> {
  if (system.behaviour.dnaPorts === 'hidden') return new Map();
  const found = system.connections(vswitch.name).flatMap(({ guest: { userid }, nic }) => {
    if (nic.connection?.right !== 'directory') return [];
    const { cpPort, portType, promiscuous } = nic.connection;
    return [[cpPort, { userid, nic, portType, promiscuous }] as const];
  });
  return new Map(found);
}
