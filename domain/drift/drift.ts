import type { ReadablePort, RecordedPort } from '../guest/guest.ts';
import type { GuestCheckpoint, OwnNic } from '../host/checkpoint.ts';
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
  /** Rows of it name no port that anybody can read. */
  hidesRows: boolean;
  /** NICs that rows of others are about: they have not vanished. */
  nicsOfOthers: readonly Vdev[];
  remembered: GuestCheckpoint | undefined;
  /** Neutron's word on the guest's ports, recorded or not: goes before what the tables say. */
  wanted: ReadonlyMap<PortId, WantedPort>;
  /** Ports that Neutron has been told of as it wants them: the others are looked at. */
  unconfirmed: ReadonlySet<PortId>;
  /** Recorded ports that Neutron wanted once, and does not want any more. */
  unwanted: readonly PortId[];
  /** Ports that may be administratively down without a word of it in the tables: an operator has to say. */
  toConfirm?: readonly PortId[];
  /** xCAT has no node of it on the host: only a reading of the guest can tell what is to be done. */
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
  /** NICs of ports whose rows have vanished. */
  vanished: OwnNic[];
  /** VSWITCHes that rows have moved away from. */
  left: VswitchName[];
  /** Ports that are wanted otherwise than they are recorded, or are not recorded. */
  ports: PortRequest[];
  /** Recorded ports that are not wanted any more. */
  unwanted: PortId[];
};

/** Ports that are recorded as up and not coupled: at first sight nobody knows whether they are meant to be. */
export function notCoupledPorts({ userid, recorded, wanted }: SurveyedGuest, vswitches: readonly Vswitch[]): PortId[] {
  return recorded
    .filter((row) => row.vswitch !== undefined || row.unreadable !== undefined)
    .filter((row) => row.adminStateUp && !wanted.has(row.portId))
    .filter((row) => coupledNic(userid, row, vswitches) === undefined)
    .map(({ portId }) => portId);
}

/** Compare a guest with its state on z/VM. No lines: no drift is visible. */
export function driftOf(guest: SurveyedGuest, vswitches: readonly Vswitch[]): Drift {
  const ports = wantedOtherwise(guest);
  const clear = clearPorts(guest, vswitches);
  const wired = clear.filter((row) => row.vswitch !== undefined);
  const held = heldVswitches(new Set(wired.map(({ portId }) => portId)), guest, vswitches);
  const vanished = vanishedNics(guest, vswitches);
  const left = (guest.remembered?.nics ?? [])
    .filter((nic) => wired.some((row) => row.vdev === nic.vdev && row.vswitch !== nic.vswitch))
    .map((nic) => nic.vswitch);
  const authorisationsOf = (isHeld: boolean) =>
    [...Map.groupBy(wired, (row) => row.vswitch)]
      .filter(([name]) => (name !== undefined && held.has(name)) === isHeld)
      .flatMap(([name, rows]) => authorisationDoubts(guest.userid, name, rows, vswitches));
  const authorisations = authorisationsOf(false);
  const others = [
    ...guest.unwanted.map((portId) => `port ${portId} of ${guest.userid} no longer exists in Neutron`),
    ...doubled(guest),
    ...arrived(guest.userid, clear),
    ...left.map((name) => `a port of ${guest.userid} has left ${name}`),
    ...wired.flatMap((row) => wrongNic(guest.userid, row, vswitches)),
  ];
  const certain = [...authorisations, ...others];
  const uncertain = [
    ...ports.map((port) => portDoubt(guest, port.portId)),
    // A reading of the guest tells what must not be touched for another port's sake.
    ...authorisationsOf(true),
    ...wired.flatMap((row) => withoutVlan(guest.userid, row, vswitches)),
    ...vanished.map(({ vdev }) => `the port of NIC ${vdev} of ${guest.userid} is no longer recorded`),
    ...(guest.remembered?.verified === true ? [] : wired.flatMap((row) => notCoupled(guest.userid, row, vswitches))),
  ];
  return {
    lines: [...certain, ...uncertain],
    // A wanted value may be one that cannot be had: the guest is looked at first.
    certain: certain.length > 0 && ports.length === 0,
    authorisationsOnly:
      others.length === 0 &&
      vanished.length === 0 &&
      clear.length === guest.recorded.length &&
      wired.every((row) => isUserBased(row, vswitches)),
    vanished,
    left,
    ports,
    unwanted: [...guest.unwanted],
  };
}

/** NICs whose ports are not recorded any more; none while a row of the guest may be about them, which nobody can read. */
function vanishedNics(
  { remembered, recorded, hidesRows, nicsOfOthers, userid }: SurveyedGuest,
  vswitches: readonly Vswitch[],
): OwnNic[] {
  const unclear = recorded.filter((row) => unclearBecause(row, { userid, recorded }, vswitches) !== undefined);
  if (hidesRows || unclear.some((row) => row.vdev === undefined)) return [];
  const kept = [...recorded.filter((row) => row.vswitch !== undefined), ...unclear];
  return (remembered?.nics ?? []).filter(
    ({ vdev }) => !nicsOfOthers.includes(vdev) && !kept.some((row) => row.vdev === vdev),
  );
}

function portDoubt({ userid, recorded, wanted }: SurveyedGuest, portId: PortId): string {
  const row = recorded.find((candidate) => candidate.portId === portId);
  if (row?.vswitch === undefined) return `port ${portId} of ${userid} exists in Neutron, but is not wired`;
  const { network } = wanted.get(portId) ?? row;
  if (!sameNetwork(row.network, network))
    return `port ${portId} of ${userid} is on ${describeNetwork(row.network)}, in Neutron on ${describeNetwork(network)}`;
  return `port ${portId} of ${userid} differs from Neutron`;
}

/** Everything about the port is in the tables: its VSWITCH has no port numbers, and its MAC is known. */
function isUserBased({ vswitch: name, mac, vdev }: RecordedPort, vswitches: readonly Vswitch[]): boolean {
  const vswitch = vswitches.find((candidate) => candidate.name === name);
  return vswitch?.portSelection === 'USERBASED' && mac !== undefined && vdev !== undefined;
}

function wantedOtherwise({ recorded, wanted, unconfirmed }: SurveyedGuest): PortRequest[] {
  return [...wanted].flatMap(([portId, want]): PortRequest[] => {
    const row = recorded.find((candidate) => candidate.portId === portId);
    if (row !== undefined && isAsWanted(row, want) && !unconfirmed.has(portId)) return [];
    return [{ portId, ...want }];
  });
}

/** True when a recorded port equals that of Neutron. */
export function isAsWanted(row: RecordedPort, { vswitch, network, adminStateUp, mac }: WantedPort): boolean {
  return (
    row.vswitch === vswitch &&
    sameNetwork(row.network, network) &&
    row.adminStateUp === adminStateUp &&
    (mac === undefined || row.mac === undefined || row.mac === mac)
  );
}

function doubled({ userid, recorded }: SurveyedGuest): string[] {
  return recorded.filter((row) => row.rows > 1).map((row) => `port ${row.portId} of ${userid} has ${row.rows} rows`);
}

function arrived(userid: Userid, clear: readonly RecordedPort[]): string[] {
  return clear.flatMap(({ portId, recordedFor }) =>
    recordedFor === undefined
      ? []
      : [`port ${portId} of ${userid} is recorded for ${recordedFor}, but the guest is on this host now`],
  );
}

function authorisationDoubts(
  userid: Userid,
  name: VswitchName | undefined,
  rows: readonly ReadablePort[],
  vswitches: readonly Vswitch[],
): string[] {
  const vswitch = vswitches.find((candidate) => candidate.name === name);
  if (vswitch === undefined) return [`VSWITCH ${name} of a port of ${userid} is not defined`];
  const entries = vswitch.authorisations.filter((entry) => entry.userid === userid);
  if (vswitch.portSelection === 'PORTBASED') {
    const has = entries.map((entry) => vlansText(authorisedVlans(vswitch, entry))).toSorted();
    const wants = rows.map((row) => vlansText(neededVlans(vswitch, vlansOf(row.network)))).toSorted();
    // Port numbers that nobody here gave may be an administrator's: only what is missing counts.
    const missing = wants.filter((want) => !removeOne(has, want));
    return missing.length === 0 ? [] : [`${userid} has no port of ${name} with ${missing.join(' and ')}`];
  }
  const [entry] = entries;
  if (entry === undefined) return [`${userid} is not authorised on ${name}`];
  const has = authorisedVlans(vswitch, entry);
  const wrong = rows.find((row) => !sameVlans(has, neededVlans(vswitch, vlansOf(row.network))));
  if (wrong === undefined) return [];
  const want = vlansText(neededVlans(vswitch, vlansOf(wrong.network)));
  return [`${userid} is authorised on ${name} with ${vlansText(has)}, not ${want}`];
}

function removeOne(texts: string[], text: string): boolean {
  const at = texts.indexOf(text);
  if (at >= 0) texts.splice(at, 1);
  return at >= 0;
}

/** Nothing can be done about it but by a person: the guest is looked at, and its port reported. */
function withoutVlan(userid: Userid, row: RecordedPort, vswitches: readonly Vswitch[]): string[] {
  const vswitch = vswitches.find((candidate) => candidate.name === row.vswitch);
  if (vswitch === undefined || row.network.type !== 'flat' || !hasNoVlan(vswitch)) return [];
  return [`port ${row.portId} of ${userid} is flat on ${vswitch.name}, whose default VLAN is NONE: it reaches no VLAN`];
}

function wrongNic(userid: Userid, row: RecordedPort, vswitches: readonly Vswitch[]): string[] {
  const found = coupledNic(userid, row, vswitches);
  if (found === undefined) return [];
  const { name, mac } = found;
  if (name !== row.vswitch) return [`NIC ${row.vdev} of ${userid} is coupled to ${name}, not to ${row.vswitch}`];
  if (!row.adminStateUp) return [`NIC ${row.vdev} of ${userid} is coupled, but its port is down`];
  if (mac === undefined || row.mac === undefined || mac === row.mac) return [];
  return [`NIC ${row.vdev} of ${userid} has the MAC ${mac}, not ${row.mac}`];
}

function notCoupled(userid: Userid, row: RecordedPort, vswitches: readonly Vswitch[]): string[] {
  if (!row.adminStateUp || coupledNic(userid, row, vswitches) !== undefined) return [];
  return [`NIC ${row.vdev} of ${userid} is not coupled to ${row.vswitch}`];
}

function coupledNic(userid: Userid, row: RecordedPort, vswitches: readonly Vswitch[]) {
  for (const { name, nics } of vswitches) {
    const nic = nics.find((candidate) => candidate.userid === userid && candidate.vdev === row.vdev);
    if (nic !== undefined) return { name, mac: nic.mac };
  }
  return undefined;
}
