import type { PortRequest } from '../operations/requests.ts';
import { type Refusal, refusal } from '../planning/refusal.ts';
import { describeNetwork } from '../port/port.ts';
import type { HostName, PortId, Userid, VswitchName } from '../text/identifiers.ts';
import { type DesiredHost, whyUnsaid } from './desired-host.ts';
import type { HostView, PortView } from './host-view.ts';

/** A field of a port that is to change, as text; `from` is absent of a value that is not there yet. */
export type FieldChange = { field: string; from?: string; to: string };

/** A port that is to be made, or to be changed. */
export type PortChange = { port: PortRequest; isNew: boolean; fields: FieldChange[] };

/** The part of a guest that differs from what its file says. */
export type GuestChange = {
  userid: Userid;
  set: PortChange[];
  /** Ports whose address or hostname no reading of the host shows: their plan tells whether they differ. */
  unread: PortRequest[];
  remove: PortId[];
};

/** The part of a host that differs from what its file says. */
export type HostChanges = {
  host: HostName;
  /** VSWITCHes that are missing. */
  vswitches: VswitchName[];
  guests: GuestChange[];
  /** Differences that no operation can take away. */
  refusals: (Refusal & { userid: Userid })[];
  /** Ports that the file does not name and that are left; `reason` where they are left although they should be deleted. */
  unnamed: { userid: Userid; portId: PortId; reason?: string }[];
};

/** All that makes a host as it should be. Ports that are not named are deleted with `prune` alone, NICs of others never. */
export function changesOf(desired: DesiredHost, view: HostView, prune: boolean): HostChanges {
  const { host, vswitches } = desired;
  const present = new Set<string>(view.vswitches.map(({ name }) => name));
  const recorded = view.guests.flatMap(({ ports }) => ports);
  const named = new Map(desired.guests.map(({ userid, ports }) => [userid, ports]));
  const isNamed = ({ userid, portId }: PortView) => named.get(userid)?.some((port) => port.portId === portId) === true;
  const unnamed = recorded.filter((port) => !isNamed(port));
  const removable = prune ? unnamed.filter((port) => whyUnsaid(port) === undefined) : [];
  const userids = [...new Set([...named.keys(), ...removable.map(({ userid }) => userid)])].sort();
  const guests = userids.map((userid) => {
    const differences = (named.get(userid) ?? []).map((port) => differenceOf(userid, port, recorded));
    return {
      userid,
      set: differences.flatMap(({ change }) => change ?? []),
      unread: differences.flatMap(({ unread }) => unread ?? []),
      remove: removable.filter((port) => port.userid === userid).map(({ portId }) => portId),
      refusals: differences.flatMap(({ refusals }) => refusals.map((each) => ({ userid, ...each }))),
    };
  });
  return {
    host,
    vswitches: vswitches.map(({ vswitch }) => vswitch).filter((name) => !present.has(name)),
    guests: guests
      .filter(({ set, unread, remove }) => set.length + unread.length + remove.length > 0)
      .map(({ refusals: _refusals, ...guest }) => guest),
    refusals: guests.flatMap(({ refusals }) => refusals),
    unnamed: unnamed.flatMap((port) => {
      const reason = whyUnsaid(port);
      const { userid, portId } = port;
      if (prune && reason === undefined) return [];
      return [{ userid, portId, ...(prune && reason !== undefined ? { reason } : {}) }];
    }),
  };
}

/** True when nothing differs as far as a reading of the host shows. */
export function isAsDesired({ vswitches, guests, refusals }: HostChanges): boolean {
  return (
    vswitches.length + refusals.length === 0 && guests.every(({ set, remove }) => set.length + remove.length === 0)
  );
}

type Difference = { change?: PortChange; unread?: PortRequest; refusals: Refusal[] };

function differenceOf(userid: Userid, port: PortRequest, recorded: readonly PortView[]): Difference {
  const known = recorded.filter(({ portId }) => portId === port.portId);
  const own = known.find((each) => each.userid === userid);
  const [other] = known;
  if (own === undefined && other !== undefined) return { refusals: [refuseOwner(port, other)] };
  if (own === undefined) return { change: { port, isNew: true, fields: fieldsOf(port, undefined) }, refusals: [] };
  const fields = fieldsOf(port, own);
  const refusals = fields.flatMap(({ field, from }) =>
    field === 'vdev' && from !== undefined ? [refuseVdev(port, from)] : [],
  );
  if (refusals.length > 0) return { refusals };
  if (fields.length > 0) return { change: { port, isNew: false, fields }, refusals };
  return port.address === undefined && port.hostname === undefined ? { refusals } : { unread: port, refusals };
}

/** The fields of a port that differ from its record. A value that the file leaves out is not compared: it is chosen, or stays. */
function fieldsOf(port: PortRequest, own: PortView | undefined): FieldChange[] {
  const wanted = textsOf(port);
  const recorded = own === undefined ? undefined : textsOf(own);
  return Object.entries(wanted).flatMap(([field, to]) => {
    const from = recorded?.[field];
    if (to === undefined || to === from) return [];
    // No reading of a host has these.
    if (own !== undefined && (field === 'address' || field === 'hostname')) return [];
    return [{ field, ...(from === undefined ? {} : { from }), to }];
  });
}

function textsOf(port: PortRequest | PortView): Record<string, string | undefined> {
  const { vswitch, network, mac, vdev, adminStateUp } = port;
  const more = 'address' in port || 'hostname' in port ? { address: port.address, hostname: port.hostname } : {};
  return { vswitch, network: describeNetwork(network), mac, vdev, adminState: adminStateUp ? 'up' : 'down', ...more };
}

function refuseVdev({ portId, vdev }: PortRequest, from: string): Refusal {
  const reason = `port ${portId} has the NIC ${from}: a port keeps its vdev, and cannot get ${vdev}`;
  return refusal('vdev', reason, `put ${from} into the file, or give the port with the new vdev another portId`);
}

function refuseOwner({ portId }: PortRequest, { userid }: PortView): Refusal {
  const advice = 'delete it there first, or give this port another portId';
  return refusal('portId', `port ${portId} is recorded for ${userid}`, advice);
}
