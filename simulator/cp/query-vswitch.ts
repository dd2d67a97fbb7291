import type { PortType } from '../directory/nicdef.ts';
import type { Guest, Nic } from '../zvm/guest.ts';
import type { ZvmSystem } from '../zvm/system.ts';
import { activeRdev, effectiveVlans, type Vswitch } from '../zvm/vswitch.ts';
import { abbreviates, answer, type CpCommand, refuse } from './reply.ts';

/** QUERY VSWITCH [name | ALL] [ACCESS | DETAILS]. */
export function queryVswitch(system: ZvmSystem, command: CpCommand): number {
  const rest = command.words.slice(2);
  const details = rest.some((word) => abbreviates(word, 'DETails'));
  const access = rest.some((word) => abbreviates(word, 'ACCess'));
  const [name = 'ALL'] = rest.filter((word) => !abbreviates(word, 'DETails') && !abbreviates(word, 'ACCess'));
  const one = system.vswitch(name);
  const found = name === 'ALL' ? [...system.vswitches.values()] : one ? [one] : [];
  if (found.length === 0) return refuse(command, 'HCPSWU2783E', `VSWITCH SYSTEM ${name} does not exist`, 2783);
  const lines = found.flatMap((vswitch) => [
    ...head(system, vswitch),
    ...(access || details ? authorised(vswitch) : []),
    ...uplink(system, vswitch),
    ...(details ? adapters(system, vswitch) : []),
  ]);
  return answer(command, lines);
}

/** The lines that were seen of a z/VM in 2017 and 2024 (docs/reference/zvm.md 5.6). */
function head(system: ZvmSystem, vswitch: Vswitch): string[] {
  const connected = String(system.connections(vswitch.name).length);
  const gvrp = vswitch.gvrp ? 'Enabled' : 'Disabled';
  const layer = vswitch.transport === 'ETHERNET' ? 'ETHERNET' : 'NONROUTER';
  const defaultVlan = vswitch.defaultVlan === 0 ? 'NONE' : four(vswitch.defaultVlan);
  const aware = [
    `  VLAN Aware  Default VLAN: ${defaultVlan}    Default Porttype: ${titled(vswitch.portType)}  GVRP: ${gvrp}`,
    `              Native  VLAN: ${four(vswitch.nativeVlan)}    VLAN Counters: OFF`,
  ];
  const mac = (vswitch.mac.match(/../g) ?? []).join('-');
  return [
    `VSWITCH SYSTEM ${vswitch.name.padEnd(8)}   Type: QDIO    Connected: ${connected.padEnd(4)} Maxconn: INFINITE`,
    `  PERSISTENT  RESTRICTED    ${layer.padEnd(26)}Accounting: OFF`,
    `  ${vswitch.portBased ? 'PORTBASED' : 'USERBASED'} LOCAL`,
    ...(vswitch.aware ? aware : ['  VLAN Unaware']),
    `  MAC address: ${mac}    MAC Protection: ${vswitch.macProtect ? 'ON' : 'Unspecified'}`,
    `  IPTimeout: 5         QueueStorage: ${vswitch.queue}`,
    `  Isolation Status: ${vswitch.isolated ? 'ON ' : 'OFF'}        VEPA Status: OFF`,
  ];
}

/** As Feilong's functional tests read it: userid, port type and VLAN, each behind a colon but the first. */
function authorised(vswitch: Vswitch): string[] {
  const line = (who: string, portType: PortType, vlans: readonly number[]) =>
    `    ${who} Porttype: ${titled(portType)}${vlans.length === 0 ? '' : ` VLAN: ${vlans.map(four).join(' ')}`}`;
  const users = [...vswitch.authorisations].map(([userid, grant]) =>
    line(userid.padEnd(8), grant.portType, effectiveVlans(vswitch, grant)),
  );
  const ports = [...vswitch.ports].map(([number, port]) =>
    line(`Port: ${four(number)} ${port.userid.padEnd(8)}`, port.portType, effectiveVlans(vswitch, port)),
  );
  return [`  Authorized ${vswitch.portBased ? 'port numbers' : 'userids'}:`, ...users, ...ports];
}

function uplink({ release }: ZvmSystem, vswitch: Vswitch): string[] {
  const active = activeRdev(vswitch);
  const state = vswitch.rdevs.length === 0 ? 'Defined' : active === null ? 'Suspended' : 'Ready';
  const modern = release !== '6.3' && release !== '6.4';
  const rdevs = vswitch.rdevs.map((rdev) => {
    const status = vswitch.failed.includes(rdev) ? 'ERROR' : rdev === active ? 'ACTIVE' : 'BACKUP';
    return `  RDEV: ${rdev}.P00 VDEV: ${rdev === active ? '0600' : 'NONE'} Controller: ${vswitch.controller.padEnd(8)} ${status}`;
  });
  return [
    ' Uplink Port:',
    modern ? `  State: ${state.padEnd(30)}PriQueuing: OFF` : `  State: ${state}`,
    '  PMTUD setting: EXTERNAL   PMTUD value: 8992     Trace Pages: 8',
    ...rdevs,
  ];
}

/** Adapters in the form of IBM's manual, recalled: no answer of a z/VM with adapters was at hand. */
function adapters(system: ZvmSystem, vswitch: Vswitch): string[] {
  const found = system.connections(vswitch.name);
  const title = `  Adapter Connections:${' '.repeat(12)}Connected: ${found.length}`;
  return [title, ...found.flatMap(({ guest, nic }) => adapter(guest, nic, system.behaviour.adapterVlan === 'shown'))];
}

function adapter(guest: Guest, nic: Nic, shows: boolean): string[] {
  const { connection, vlans, devices } = nic;
  const last = (Number.parseInt(nic.vdev, 16) + devices - 1).toString(16).toUpperCase().padStart(4, '0');
  const counters = (kind: string) => `      ${kind} Packets: 0          Discarded: 0          Errors: 0`;
  return [
    `    Adapter Owner: ${guest.userid.padEnd(8)} NIC: ${nic.vdev}.P00 Name: UNASSIGNED Type: ${nic.type}`,
    ...(shows && connection ? [`      Porttype: ${titled(connection.portType)}`] : []),
    counters('RX'),
    counters('TX'),
    '      RX Bytes: 0                    TX Bytes: 0',
    `      Device: ${last}  Unit: 002   Role: DATA       Port: ${shows ? four(connection?.cpPort ?? 0) : '0000'}`,
    ...(shows && vlans.length > 0 ? [`      VLAN: ${vlans.map(four).join(' ')}`] : []),
    `      Options: Ethernet Broadcast${connection?.promiscuous ? ' Promiscuous' : ''}`,
    '        Unicast MAC Addresses:',
    `          ${nic.mac} IP: `.trimEnd(),
  ];
}

function titled(portType: PortType): string {
  return portType === 'TRUNK' ? 'Trunk' : 'Access';
}

function four(value: number): string {
  return String(value).padStart(4, '0');
}
