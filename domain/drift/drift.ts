import type { ReadablePort, RecordedPort } from '../guest/guest.ts';
import type { GuestCheckpoint, OwnNic } from '../host/checkpoint.ts';
import { directoryAuthorizes, type HostCapabilities } from '../host/host-capabilities.ts';
import type { WantedPort } from '../host/neutron-port.ts';
import type { PortRequest } from '../operations/requests.ts';
import { describeNetwork, sameNetwork, vlansOf } from '../port/port.ts';
import type { Vdev } from '../port/vdev.ts';
import type { PortId, Userid, VswitchName } from '../text/identifiers.ts';
import { sameVlans } from '../vswitch/vlan-set.ts';
import { authorisedVlans, hasNoVlan, neededVlans, type Vswitch } from '../vswitch/vswitch.ts';
import { vlansText } from './drift-words.ts';
import { clearPorts, heldVswitches, unclearBecause } from './unclear-ports.ts';

/** One guest as a reading of the whole host shows it: without its directory entry, and of its live NICs only those that are coupled. */
export type SurveyedGuest = {
  userid: Userid;
  recorded: readonly RecordedPort[];
  /** Records of it name no port that anybody can read. */
  hidesPorts: boolean;
  /** NICs that records of others are about: they have not vanished. */
  nicsOfOthers: readonly Vdev[];
  remembered: GuestCheckpoint | undefined;
  /** Neutron's word on the guest's ports, recorded or not: goes before the record. */
  wanted: ReadonlyMap<PortId, WantedPort>;
  /** Ports that Neutron has been told of as it wants them: the others are looked at. */
  unconfirmed: ReadonlySet<PortId>;
  /** Recorded ports that Neutron wanted once, and does not want any more. */
  unwanted: readonly PortId[];
  /** Ports that may be administratively down without a word of it in the record: an operator has to say. */
  toConfirm?: readonly PortId[];
  /** The inventory does not have it on the host: only a reading of the guest can tell what is to be done. */
  absent?: true;
};

/** The signs of drift on a guest. */
export type Drift = {
  /** One readable line each. */
  lines: string[];
  /** False when only a reading of the guest itself can tell, as for a NIC that is not coupled: the guest may be logged off. */
  certain: boolean;
  /** Nothing but authorisations, as after a re-IPL: who is to be granted again need not be looked up in the directory. */
  authorisationsOnly: boolean;
  /** NICs of ports whose record has vanished. */
  vanished: OwnNic[];
  /** VSWITCHes that ports have moved away from. */
  left: VswitchName[];
  /** Ports that are wanted otherwise than they are recorded, or are not recorded. */
  ports: PortRequest[];
  /** Recorded ports that are not wanted any more. */
  unwanted: PortId[];
};

/** Ports that are recorded as up and not coupled: at first sight nobody knows whether they are meant to be. */
export function notCoupledPorts({ userid, recorded, wanted }: SurveyedGuest, vswitches: readonly Vswitch[]): PortId[] {
  return recorded
    .filter((port) => port.vswitch !== undefined || port.unreadable !== undefined)
    .filter((port) => port.adminStateUp && !wanted.has(port.portId))
    .filter((port) => coupledNic(userid, port, vswitches) === undefined)
    .map(({ portId }) => portId);
}

/** Compare a guest with its state on z/VM. No lines: no drift is visible. */
export function driftOf(
  guest: SurveyedGuest,
  vswitches: readonly Vswitch[],
  /** Absent: as on a system without directory network authorization. */
  capabilities?: HostCapabilities,
): Drift {
  // There a directory entry may authorise what no VSWITCH shows: a reading of the guest tells.
  const isByDirectory = directoryAuthorizes(capabilities);
  const ports = wantedOtherwise(guest);
  const clear = clearPorts(guest, vswitches);
  const wired = clear.filter((port) => port.vswitch !== undefined);
  const held = heldVswitches(new Set(wired.map(({ portId }) => portId)), guest, vswitches);
  const vanished = vanishedNics(guest, vswitches);
  const left = (guest.remembered?.nics ?? [])
    .filter((nic) => wired.some((port) => port.vdev === nic.vdev && port.vswitch !== nic.vswitch))
    .map((nic) => nic.vswitch);
  const authorisationsOf = (isHeld: boolean) =>
    [...Map.groupBy(wired, (port) => port.vswitch)]
      .filter(([name]) => (name !== undefined && held.has(name)) === isHeld)
      .filter(([, recorded]) => !isByDirectory || !areAuthorised(guest, recorded, vswitches))
      .flatMap(([name, recorded]) => authorisationDoubts(guest.userid, name, recorded, { vswitches, isByDirectory }));
  const authorisations = authorisationsOf(false);
  const others = [
    ...guest.unwanted.map((portId) => `port ${portId} of ${guest.userid} no longer exists in Neutron`),
    ...doubledPorts(guest),
    ...arrived(guest.userid, clear),
    ...left.map((name) => `a port of ${guest.userid} has left ${name}`),
    ...wired.flatMap((port) => wrongNic(guest.userid, port, vswitches)),
  ];
  const certain = [...(isByDirectory ? [] : authorisations), ...others];
  const uncertain = [
    ...(isByDirectory ? authorisations : []),
    ...ports.map((port) => portDoubt(guest, port.portId)),
    // A reading of the guest tells what must not be touched for another port's sake.
    ...authorisationsOf(true),
    ...wired.flatMap((port) => withoutVlan(guest.userid, port, vswitches)),
    ...vanished.map(({ vdev }) => `the port of NIC ${vdev} of ${guest.userid} is no longer recorded`),
    ...(guest.remembered?.verified === true ? [] : wired.flatMap((port) => notCoupled(guest.userid, port, vswitches))),
  ];
  return {
    lines: [...certain, ...uncertain],
    // A wanted value may be one that cannot be had: the guest is looked at first.
    certain: certain.length > 0 && ports.length === 0,
    authorisationsOnly:
      !isByDirectory &&
      others.length === 0 &&
      vanished.length === 0 &&
      clear.length === guest.recorded.length &&
      wired.every((port) => isUserBased(port, vswitches)),
    vanished,
    left,
    ports,
    unwanted: [...guest.unwanted],
  };
}

/** NICs whose ports are not recorded any more; none while a record of the guest may be about them, which nobody can read. */
function vanishedNics(
  { remembered, recorded, hidesPorts, nicsOfOthers, userid }: SurveyedGuest,
  vswitches: readonly Vswitch[],
): OwnNic[] {
  const unclear = recorded.filter((port) => unclearBecause(port, { userid, recorded }, vswitches) !== undefined);
  if (hidesPorts || unclear.some((port) => port.vdev === undefined)) return [];
  const kept = [...recorded.filter((port) => port.vswitch !== undefined), ...unclear];
  return (remembered?.nics ?? []).filter(
    ({ vdev }) => !nicsOfOthers.includes(vdev) && !kept.some((port) => port.vdev === vdev),
  );
}

function portDoubt({ userid, recorded, wanted }: SurveyedGuest, portId: PortId): string {
  const port = recorded.find((candidate) => candidate.portId === portId);
  if (port?.vswitch === undefined) return `port ${portId} of ${userid} exists in Neutron, but is not wired`;
  const { network } = wanted.get(portId) ?? port;
  if (!sameNetwork(port.network, network))
    return `port ${portId} of ${userid} is on ${describeNetwork(port.network)}, in Neutron on ${describeNetwork(network)}`;
  return `port ${portId} of ${userid} differs from Neutron`;
}

/** Everything about the port is in the record: its VSWITCH has no port numbers, and its MAC is known. */
function isUserBased({ vswitch: name, mac, vdev }: RecordedPort, vswitches: readonly Vswitch[]): boolean {
  const vswitch = vswitches.find((candidate) => candidate.name === name);
  return vswitch?.portSelection === 'USERBASED' && mac !== undefined && vdev !== undefined;
}

function wantedOtherwise({ recorded, wanted, unconfirmed }: SurveyedGuest): PortRequest[] {
  return [...wanted].flatMap(([portId, want]): PortRequest[] => {
    const port = recorded.find((candidate) => candidate.portId === portId);
    if (port !== undefined && isAsWanted(port, want) && !unconfirmed.has(portId)) return [];
    return [{ portId, ...want }];
  });
}

/** True when a recorded port equals that of Neutron. */
export function isAsWanted(port: RecordedPort, { vswitch, network, adminStateUp, mac }: WantedPort): boolean {
  return (
    port.vswitch === vswitch &&
    sameNetwork(port.network, network) &&
    port.adminStateUp === adminStateUp &&
    (mac === undefined || port.mac === undefined || port.mac === mac)
  );
}

function doubledPorts({ userid, recorded }: SurveyedGuest): string[] {
  return recorded.flatMap(({ portId, doubled }) =>
    doubled === undefined ? [] : [`port ${portId} of ${userid} ${doubled}`],
  );
}

function arrived(userid: Userid, clear: readonly RecordedPort[]): string[] {
  return clear.flatMap(({ portId, recordedFor }) =>
    recordedFor === undefined
      ? []
      : [`port ${portId} of ${userid} is recorded for ${recordedFor}, but the guest is on this host now`],
  );
}

/** True of ports without an authorisation that the VSWITCH shows, and with NICs that are coupled, or have been looked at: the directory authorises them. */
function areAuthorised(
  { userid, remembered }: SurveyedGuest,
  recorded: readonly ReadablePort[],
  vswitches: readonly Vswitch[],
): boolean {
  const vswitch = vswitches.find(({ name }) => name === recorded[0]?.vswitch);
  if (vswitch === undefined || vswitch.authorisations.some((entry) => entry.userid === userid)) return false;
  const up = recorded.filter((port) => port.adminStateUp);
  return (
    remembered?.verified === true || up.every((port) => coupledNic(userid, port, vswitches)?.name === port.vswitch)
  );
}

function authorisationDoubts(
  userid: Userid,
  name: VswitchName | undefined,
  recorded: readonly ReadablePort[],
  { vswitches, isByDirectory }: { vswitches: readonly Vswitch[]; isByDirectory: boolean },
): string[] {
  const vswitch = vswitches.find((candidate) => candidate.name === name);
  // The survey has not read the directory entry, which may authorise what no VSWITCH shows.
  const notRead = isByDirectory ? ' (its directory entry, which may authorise it, was not read)' : '';
  if (vswitch === undefined) return [`VSWITCH ${name} of a port of ${userid} is not defined`];
  const entries = vswitch.authorisations.filter((entry) => entry.userid === userid);
  if (vswitch.portSelection === 'PORTBASED') {
    const has = entries.map((entry) => vlansText(authorisedVlans(vswitch, entry))).toSorted();
    const wants = recorded.map((port) => vlansText(neededVlans(vswitch, vlansOf(port.network)))).toSorted();
    // Port numbers that nobody here gave may be an administrator's: only what is missing counts.
    const missing = wants.filter((want) => !removeOne(has, want));
    return missing.length === 0 ? [] : [`${userid} has no port of ${name} with ${missing.join(' and ')}${notRead}`];
  }
  const [entry] = entries;
  if (entry === undefined && isByDirectory) return [`${userid} has no grant on ${name}${notRead}`];
  if (entry === undefined) return [`${userid} is not authorised on ${name}`];
  const has = authorisedVlans(vswitch, entry);
  const wrong = recorded.find((port) => !sameVlans(has, neededVlans(vswitch, vlansOf(port.network))));
  if (wrong === undefined) return [];
  const want = vlansText(neededVlans(vswitch, vlansOf(wrong.network)));
  return isByDirectory
    ? [`the grant of ${userid} on ${name} has ${vlansText(has)}, not ${want}`]
    : [`${userid} is authorised on ${name} with ${vlansText(has)}, not ${want}`];
}

function removeOne(texts: string[], text: string): boolean {
  const at = texts.indexOf(text);
  if (at >= 0) texts.splice(at, 1);
  return at >= 0;
}

/** Nothing can be done about it but by a person: the guest is looked at, and its port reported. */
function withoutVlan(userid: Userid, port: RecordedPort, vswitches: readonly Vswitch[]): string[] {
  const vswitch = vswitches.find((candidate) => candidate.name === port.vswitch);
  if (vswitch === undefined || port.network.type !== 'flat' || !hasNoVlan(vswitch)) return [];
  return [
    `port ${port.portId} of ${userid} is flat on ${vswitch.name}, whose default VLAN is NONE: it reaches no VLAN`,
  ];
}

function wrongNic(userid: Userid, port: RecordedPort, vswitches: readonly Vswitch[]): string[] {
  const found = coupledNic(userid, port, vswitches);
  if (found === undefined) return [];
  const { name, mac } = found;
  if (name !== port.vswitch) return [`NIC ${port.vdev} of ${userid} is coupled to ${name}, not to ${port.vswitch}`];
  if (!port.adminStateUp) return [`NIC ${port.vdev} of ${userid} is coupled, but its port is down`];
  if (mac === undefined || port.mac === undefined || mac === port.mac) return [];
  return [`NIC ${port.vdev} of ${userid} has the MAC ${mac}, not ${port.mac}`];
}

function notCoupled(userid: Userid, port: RecordedPort, vswitches: readonly Vswitch[]): string[] {
  if (!port.adminStateUp || coupledNic(userid, port, vswitches) !== undefined) return [];
  return [`NIC ${port.vdev} of ${userid} is not coupled to ${port.vswitch}`];
}

function coupledNic(userid: Userid, port: RecordedPort, vswitches: readonly Vswitch[]) {
  for (const { name, nics } of vswitches) {
    const nic = nics.find((candidate) => candidate.userid === userid && candidate.vdev === port.vdev);
    if (nic !== undefined) return { name, mac: nic.mac };
  }
  return undefined;
}
