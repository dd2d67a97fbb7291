import { defined } from '../defined.ts';
import { foreignNics } from '../drift/foreign-nics.ts';
import type { DesiredPort, Liveness } from '../guest/desired.ts';
import { portKey } from '../guest/entry-nics.ts';
import type { RecordedPort } from '../guest/guest.ts';
import { namesAccess } from '../guest/nicdef-authorization.ts';
import { refuseOverlap, takenDevices } from '../guest/taken-devices.ts';
import { directoryAuthorizes } from '../host/host-capabilities.ts';
import type { PortRequest } from '../operations/requests.ts';
import { allocateMac, type Mac, type MacInUse, macId, macPrefix } from '../port/mac.ts';
import { describeNetwork, sameNetwork } from '../port/port.ts';
import { allocatePortNumber, type PortNumber } from '../port/port-number.ts';
import { allocateVdev, devicesOverlap, nicDevices, type Vdev } from '../port/vdev.ts';
import type { VswitchName } from '../text/identifiers.ts';
import { refuseNetwork } from '../vswitch/vswitch-choice.ts';
import type { PlanningContext } from './planning-context.ts';
import { needsGrant, withAuthority } from './port-authority.ts';
import { type Refusal, refusal } from './refusal.ts';
import { refuseUnreadable } from './unclear-refusals.ts';

/** A request for a port, with what it is checked and chosen from. `at` comes before its fields, as in `ports.0.`. */
type Asked = { request: PortRequest; known: RecordedPort | undefined; at: string; ports: readonly DesiredPort[] };

/** The guest's ports after a request, and why it is refused. */
export type PortsAfter = { ports: DesiredPort[]; refusals: Refusal[] };

/**
 * The guest's ports with the requested one: VSWITCH and VLAN checked, MAC, vdev and port number checked or chosen. A port that is there
 * already must be the same. The ports are as they were when it is refused.
 */
export function addPort(
  request: PortRequest,
  live: Liveness,
  at: string,
  ports: DesiredPort[],
  context: PlanningContext,
): PortsAfter {
  const existing = ports.find((port) => port.portId === request.portId);
  if (existing !== undefined) {
    const mac = existing.mac === undefined ? request.mac : undefined;
    const taken = mac === undefined ? [] : refuseMac(mac, existing, at, ports, context);
    return {
      ports: ports.map((port) => (port === existing ? { ...port, ...defined({ mac }), live } : port)),
      refusals: [...refuseDifferent(request, existing, at), ...taken],
    };
  }
  const known = context.guest.recorded.find((candidate) => candidate.portId === request.portId);
  const asked: Asked = { request, known, at, ports };
  const { portId, vswitch, network, adminStateUp, address, hostname } = request;
  const { vdev, ...vdevChoice } = chooseVdev(asked, context);
  const { mac, ...macChoice } = chooseMac(asked, live, context);
  const found = [
    ...refuseNetwork(vswitch, network, at, context),
    ...refuseUnreadable(request, known, at, context),
    ...vdevChoice.refusals,
    ...macChoice.refusals,
    ...refuseAddress(asked, context),
  ];
  if (vdev === undefined || found.length > 0) return { ports, refusals: found };
  const { userid } = context.guest;
  const more = defined({ mac, address, hostname });
  const wanted = { portId, userid, vswitch, network, vdev, adminStateUp, live, ...more };
  const { port, refusals } = authorisedPort(wanted, at, ports, context);
  return { ports: refusals.length > 0 ? ports : [...ports, port], refusals };
}

/** The port with what authorises it: the operands of its NICDEF, its port number, or neither where a grant does. */
export function authorisedPort(
  wanted: DesiredPort,
  at: string,
  ports: readonly DesiredPort[],
  context: PlanningContext,
): { port: DesiredPort; refusals: Refusal[] } {
  const port = withAuthority(wanted, ports, context);
  if (port.authorization !== undefined) return { port, refusals: [] };
  const { portNumber: _before, ...rest } = port;
  const { portNumber, refusals } = portNumberOn(port.vswitch, port, at, ports, context);
  return { port: { ...rest, ...defined({ portNumber }) }, refusals };
}

/** The ports, where one that its NICDEF alone was to authorise shares the grant that a later one needs on the VSWITCH. */
export function sharingGrants(ports: readonly DesiredPort[], context: PlanningContext): DesiredPort[] {
  return ports.map((port) => {
    const isAlone = port.authorization !== undefined && !namesAccess(port.authorization);
    const isShared = isAlone && ports.some((other) => needsGrant(other, port));
    return isShared ? authorisedPort(port, '', ports, context).port : port;
  });
}

/**
 * The port number that a port has or gets on a VSWITCH, nothing new on a user-based one. Its own one, kept in the directory, is left unless
 * z/VM has given it to another userid meanwhile.
 */
export function portNumberOn(
  name: VswitchName,
  port: { portId: string; vdev: Vdev | undefined },
  at: string,
  ports: readonly DesiredPort[],
  context: PlanningContext,
): { portNumber?: PortNumber; refusals: Refusal[] } {
  const { guest, vswitches } = context;
  const vswitch = vswitches.find((candidate) => candidate.name === name);
  const own = guest.directory.find((nic) => nic.vdev === port.vdev && (nic.vswitch ?? name) === name)?.portNumber;
  // With directory network authorization somebody may have named one on any VSWITCH.
  if (vswitch?.portSelection !== 'PORTBASED')
    return { ...defined({ portNumber: directoryAuthorizes(context.capabilities) ? own : undefined }), refusals: [] };
  const others = vswitch.authorisations.filter((entry) => entry.userid !== guest.userid);
  const isTaken = (number: PortNumber) =>
    context.avoidPorts?.has(portKey({ vswitch: name, portNumber: number })) === true ||
    others.some((entry) => entry.portNumber === number) ||
    ports.some((other) => other.portId !== port.portId && other.vswitch === name && other.portNumber === number);
  if (own !== undefined && !isTaken(own)) return { portNumber: own, refusals: [] };
  const inEntry = (number: PortNumber) => {
    const owners = context.portsInEntries?.get(portKey({ vswitch: name, portNumber: number }));
    return [...(owners ?? [])].some((userid) => userid !== guest.userid);
  };
  // A run that was terminated between the number and the NIC has left it with the guest: the port finds it again by its own search. Where a NIC
  // of somebody else is on the VSWITCH, the number may be that one's.
  const isLeft = (number: PortNumber) =>
    vswitch.authorisations.some((entry) => entry.portNumber === number && entry.userid === guest.userid) &&
    !foreignNics(guest, ports).some((nic) => nic.vswitch === name);
  const used = (number: PortNumber) =>
    isTaken(number) ||
    inEntry(number) ||
    (vswitch.authorisations.some((entry) => entry.portNumber === number) && !isLeft(number)) ||
    guest.directory.some((nic) => nic.portNumber === number);
  const portNumber = allocatePortNumber(port.portId, used);
  if (portNumber !== undefined) return { portNumber, refusals: [] };
  return { refusals: [refusal(`${at}vswitch`, `no port of VSWITCH ${name} is free`, 'delete unused ports')] };
}

function refuseDifferent(request: PortRequest, port: DesiredPort, at: string): Refusal[] {
  const differs: [string, boolean, string][] = [
    ['vswitch', request.vswitch !== port.vswitch, port.vswitch],
    ['network', !sameNetwork(request.network, port.network), describeNetwork(port.network)],
    ['mac', request.mac !== undefined && port.mac !== undefined && request.mac !== port.mac, port.mac ?? 'none'],
    ['vdev', request.vdev !== undefined && request.vdev !== port.vdev, port.vdev],
    ['address', request.address !== undefined && request.address !== port.address, port.address ?? 'none'],
    ['hostname', request.hostname !== undefined && request.hostname !== port.hostname, port.hostname ?? 'none'],
  ];
  return differs
    .filter(([, different]) => different)
    .map(([field, , value]) =>
      refusal(
        `${at}${field}`,
        `port ${port.portId} exists already with ${field} ${value}`,
        'use changeVlan, or delete the port first',
      ),
    );
}

/** An address belongs to one guest only; a name without an address says nothing. */
function refuseAddress({ request, at, ports }: Asked, { addressesInUse, guest }: PlanningContext): Refusal[] {
  const { address, hostname } = request;
  if (address === undefined) {
    if (hostname === undefined) return [];
    return [
      refusal(`${at}hostname`, 'a hostname needs an address', 'give the address, too, or leave the hostname out'),
    ];
  }
  const name = addressesInUse.get(address);
  const owner = ports.find((port) => port.address === address)?.portId ?? (name === guest.names[0] ? undefined : name);
  if (owner === undefined) return [];
  return [refusal(`${at}address`, `address ${address} is taken by ${owner}`, 'use another address')];
}

function chooseVdev(
  { request, known, at, ports }: Asked,
  { guest, rules, claimedVdevs = [] }: PlanningContext,
): { vdev?: Vdev; refusals: Refusal[] } {
  const own = known?.vdev;
  const others = ports.filter((port) => port.portId !== request.portId);
  const taken = takenDevices(guest, others).filter(({ nic }) => nic === undefined || nic !== own);
  const wanted = request.vdev ?? own;
  if (wanted === undefined) {
    const claimed = claimedVdevs.filter(({ portId }) => portId !== request.portId).map((port) => nicDevices(port.vdev));
    const vdev = allocateVdev(rules.firstVdev, [...taken, ...claimed]);
    if (vdev !== undefined) return { vdev, refusals: [] };
    return {
      refusals: [refusal(`${at}vdev`, 'the guest has no three consecutive free devices', 'delete a port first')],
    };
  }
  const devices = nicDevices(wanted);
  const overlapped = taken.find((other) => devicesOverlap(devices, other));
  if (overlapped === undefined) return { vdev: wanted, refusals: [] };
  return { refusals: [refuseOverlap(`${at}vdev`, wanted, overlapped, guest)] };
}

/** None for a NIC of a running guest that will get CP's own, where nobody asks for another. */
function chooseMac(
  { request, known, at, ports }: Asked,
  live: Liveness,
  context: PlanningContext,
): { mac?: Mac; refusals: Refusal[] } {
  const { rules, guest } = context;
  if (rules.wantedMacPrefix !== undefined && rules.wantedMacPrefix !== rules.macPrefix) {
    const reason = `base_mac begins with ${rules.wantedMacPrefix}, but the USER prefix of ${rules.host} is ${rules.macPrefix}: z/VM would give the NIC another address`;
    const advice = "set base_mac to z/VM's USER prefix, or change VMLAN in SYSTEM CONFIG";
    return { refusals: [refusal(`${at}mac`, reason, advice)] };
  }
  const wanted = request.mac ?? known?.mac;
  if (wanted === undefined) {
    if (rules.liveMac === false && guest.loggedOn && live === 'present') return { refusals: [] };
    const mac = freeMac(request.portId, ports, context);
    if (mac !== undefined) return { mac, refusals: [] };
    const reason = `no MAC address is left under ${rules.macPrefix}`;
    return { refusals: [refusal(`${at}mac`, reason, 'delete unused ports')] };
  }
  const own = { portId: request.portId, vdev: request.vdev ?? known?.vdev, mac: known?.mac };
  return { mac: wanted, refusals: refuseMac(wanted, own, at, ports, context) };
}

/** A MAC that nobody has. Undefined when the prefix is used up. */
export function freeMac(
  portId: string,
  ports: readonly DesiredPort[],
  { guest, rules, macsInUse, avoidMacs }: PlanningContext,
): Mac | undefined {
  const isTaken = (mac: Mac) =>
    macsInUse.has(mac) ||
    avoidMacs.has(mac) ||
    ports.some((port) => port.mac === mac) ||
    guest.directory.some((nic) => nic.macId === macId(mac));
  return allocateMac(rules.macPrefix, portId, isTaken);
}

/** Why a port cannot have a MAC: it is not under z/VM's prefix, or somebody else has it. `port.mac` is the one that it has now. */
export function refuseMac(
  wanted: Mac,
  port: { portId: string; vdev: Vdev | undefined; mac?: Mac | undefined },
  at: string,
  ports: readonly DesiredPort[],
  { guest, rules, macsInUse, avoidMacs }: PlanningContext,
): Refusal[] {
  if (macPrefix(wanted) !== rules.macPrefix) {
    const reason = `MAC ${wanted} does not begin with ${rules.macPrefix}, the USER prefix of ${rules.host}: z/VM would give the NIC another address`;
    return [refusal(`${at}mac`, reason, `use a MAC under ${rules.macPrefix}; in Neutron, set base_mac to it`)];
  }
  const isOwn = (other: MacInUse) =>
    // The guest's own entry has just been read.
    (other.inEntry === true && other.owner === guest.userid) ||
    (port.mac === wanted && isNameOf(guest, other.owner) && other.vdev === port.vdev);
  const inEntry = guest.directory.find((nic) => nic.macId === macId(wanted) && nic.vdev !== port.vdev);
  const owner =
    ownerText(macsInUse.get(wanted)?.find((other) => !isOwn(other))) ??
    (inEntry === undefined ? undefined : `NIC ${inEntry.vdev} of ${guest.userid}`) ??
    ports.find((other) => other.mac === wanted && other.portId !== port.portId)?.portId ??
    (avoidMacs.has(wanted) ? 'another guest at the same time' : undefined);
  if (owner === undefined) return [];
  const advice = 'use another address, or leave it out';
  return [{ ...refusal(`${at}mac`, `MAC ${wanted} is taken by ${owner}`, advice), transient: true }];
}

function isNameOf({ userid, names }: PlanningContext['guest'], owner: string): boolean {
  return [userid, ...names].some((name) => name === owner);
}

function ownerText(other: MacInUse | undefined): string | undefined {
  return other?.inEntry === true ? `${other.owner}, by its directory entry` : other?.owner;
}
