import type { HostRecord } from '../backend/reading.ts';
import { defined } from '../domain/defined.ts';
import type { HostRules } from '../domain/host/host.ts';
import { isNeutronsOwn, type NeutronPort, type WantedPort, wantedOf } from '../domain/host/neutron-port.ts';
import { describeRefusals } from '../domain/planning/refusal.ts';
import { type PortId, Userid } from '../domain/text/identifiers.ts';
import { bindUnbound } from '../neutron/binding.ts';
import type { PortStatus } from '../workflows/host-activities.ts';
import type { NeutronSource } from './host-runtime.ts';

/** A port that a guest is to have. */
export type PortOfGuest = { port: NeutronPort; userid: Userid; wanted: WantedPort };

/** Ports of Neutron, sorted by what can be done about them. */
export type NeutronView = {
  ofGuests: PortOfGuest[];
  /** Of Neutron's own services: the DHCP node's affair. */
  services: NeutronPort[];
  /** Bound here, but no guest of that name is known: Nova may not have written its row yet. */
  waiting: NeutronPort[];
  unusable: { port: NeutronPort; reason: string }[];
};

type Rules = Omit<HostRules, 'macPrefix'>;

/** The names that a host has in Neutron: its own, and that of its DHCP node where this project is the agent there too. */
export function neutronHosts({ host, dhcpHost }: Rules): string[] {
  return dhcpHost === undefined ? [host] : [host, dhcpHost];
}

/** Sort ports that are bound to this host. A port belongs to the guest that its device id names, else to the one in whose row it stands. */
export function viewOf(ports: readonly NeutronPort[], record: HostRecord, rules: Rules): NeutronView {
  const owners = new Map(
    [...record.recorded].flatMap(([userid, rows]) => rows.map((row): [PortId, Userid] => [row.portId, userid])),
  );
  const view: NeutronView = { ofGuests: [], services: [], waiting: [], unusable: [] };
  for (const port of ports) {
    // The server is about to bind it, and says so when it has.
    if (port.binding === 'none') continue;
    const userid = guestNamed(port.deviceId, record) ?? owners.get(port.portId);
    if (isNeutronsOwn(port) && !owners.has(port.portId)) {
      const reason = unservedHere(port, rules);
      if (reason === undefined) view.services.push(port);
      else view.unusable.push({ port, reason });
      continue;
    }
    const wanted = wantedOf(port, rules);
    if ('refusals' in wanted) view.unusable.push({ port, reason: describeRefusals(wanted.refusals) });
    else if (userid === undefined) view.waiting.push(port);
    else view.ofGuests.push({ port, userid, wanted: wanted.wanted });
  }
  return view;
}

function unservedHere({ deviceOwner }: NeutronPort, { host, dhcpUserid }: Rules): string | undefined {
  if (deviceOwner !== 'network:dhcp')
    return `a ${deviceOwner} port needs an agent that z/VM systems do not have: bind it to a network node`;
  return dhcpUserid === undefined ? `${host} has no DHCP node: set dhcp_userid` : undefined;
}

// A caller that creates ports without Nova names the guest by userid or node name, and may name another later. Nova's own ids name none.
function guestNamed(deviceId: string, { nodes, guests }: HostRecord): Userid | undefined {
  const userid = Userid.safeParse(deviceId).data;
  if (userid !== undefined && guests.has(userid)) return userid;
  return nodes.get(deviceId) ?? nodes.get(deviceId.toLowerCase());
}

/**
 * Have Neutron bind what it could not bind before, as for ports made before this agent was there, and what it has not come to since the last
 * reconciliation (`before`), since a binding that is activated again is bound by nobody else; and read those ports again. Those that were asked
 * for in vain (`notNow`) are left as they are. Only ports of this host are asked for and answered: of others nothing is this agent's to ask.
 */
export async function boundPorts(
  neutron: NeutronSource,
  listed: readonly NeutronPort[],
  { rules, before, notNow }: { rules: Rules; before: ReadonlySet<string>; notNow: ReadonlySet<string> },
): Promise<NeutronPort[]> {
  const hosts = neutronHosts(rules);
  const isUnbound = ({ binding, portId }: NeutronPort) =>
    !notNow.has(portId) && (binding === 'failed' || (binding === 'none' && before.has(portId)));
  const here = listed.filter((port) => hosts.includes(port.host));
  const doubtful = here.filter(isUnbound).map((port) => port.portId);
  const asked = await bindUnbound(neutron, hosts, doubtful, isUnbound);
  return [...here.filter((port) => !isUnbound(port)), ...asked.filter((port) => hosts.includes(port.host))];
}

/** The status to report of a port when its guest is in order. */
export function statusOf(port: NeutronPort, userid?: Userid): PortStatus {
  const { portId, host: neutronHost, adminStateUp: up, status, qosPolicy } = port;
  return {
    ...{ portId, neutronHost, up, status },
    ...defined({ userid, qosPolicy }),
  };
}

/** Ports that no guest has: Neutron is to have them down, also those that it asked a guest's details of, or that a guest had that is gone. */
export function unwiredOf({ unusable, waiting }: NeutronView): NeutronPort[] {
  return [...unusable.map(({ port }) => port), ...waiting];
}

/** The status to report of a port that nobody can wire. */
export function downStatusOf(port: NeutronPort): PortStatus {
  return { ...statusOf(port), up: false };
}

/** True when Neutron has the port as it is: nothing needs to be told. */
export function isReported({ up, status }: Pick<PortStatus, 'up' | 'status'>): boolean {
  return up ? status === 'ACTIVE' : status === 'DOWN';
}
