import { z } from 'zod';
import { defined } from '../defined.ts';
import { driftOf } from '../drift/drift.ts';
import { Finding } from '../drift/finding.ts';
import { unclearPorts } from '../drift/unclear-ports.ts';
import { type LiveNic, type Nicdef, type RecordedPort, UnreadableValue } from '../guest/guest.ts';
import { Mac } from '../port/mac.ts';
import { Vdev } from '../port/vdev.ts';
import { HostName, NodeName, PortId, Userid, VswitchName } from '../text/identifiers.ts';
import { RecordedNetwork } from '../vswitch/network.ts';
import { authorisedVlans, Uplink, type Vswitch } from '../vswitch/vswitch.ts';
import { directoryAuthorizes, HostCapabilities } from './host-capabilities.ts';
import type { MemberName } from './ssi-cluster.ts';

/** A recorded port beside its state on z/VM. */
export const PortView = z.object({
  portId: PortId,
  userid: Userid,
  vdev: Vdev.optional(),
  /** Absent before the port is wired. */
  vswitch: VswitchName.optional(),
  network: RecordedNetwork,
  mac: Mac.optional(),
  adminStateUp: z.boolean(),
  /** Unreadable values of the record: the port stays unchanged. */
  unreadable: z.array(UnreadableValue).readonly().optional(),
  /** The state on z/VM: VLANs of the authorisation, none when the guest has none there; the VSWITCH that the NIC is coupled to. */
  actual: z.object({
    vlans: z.array(z.number().int()).nullable(),
    coupledTo: VswitchName.nullable(),
    /** No VSWITCH shows an authorisation, and the directory entry, which a view of the host does not read, may give one. */
    mayBeInDirectory: z.literal(true).optional(),
  }),
  /** Signs of drift of the port. Drift of a guest need not belong to one of its ports. */
  drift: z.array(z.string()),
});
export type PortView = z.infer<typeof PortView>;

/** A guest with its ports and its drift. */
export const GuestView = z.object({
  userid: Userid,
  node: NodeName,
  ports: z.array(PortView),
  /** Coupled NICs that are recorded nowhere. */
  foreignNics: z.array(z.object({ vdev: Vdev, vswitch: VswitchName, mac: Mac.optional() })),
  drift: z.array(z.string()),
  /** The other member of the SSI cluster that it is coupled on. */
  runsOn: z.string().optional(),
  /** An operation is changing the guest: a difference from the record is not drift. */
  inProgress: z.boolean().optional(),
});
export type GuestView = z.infer<typeof GuestView>;

export const VswitchView = z.object({
  name: VswitchName,
  physicalNetwork: z.string().nullable(),
  portSelection: z.enum(['USERBASED', 'PORTBASED', 'UNKNOWN']),
  transport: z.enum(['ETHERNET', 'IP', 'UNKNOWN']),
  vlanAware: z.boolean(),
  status: z.string().nullable(),
  uplinks: z.array(Uplink),
  authorisations: z.array(
    z.object({ userid: Userid, vlans: z.array(z.number().int()), portNumber: z.number().int().optional() }),
  ),
  nics: z.array(z.object({ userid: Userid, vdev: Vdev, mac: Mac.optional() })),
});
export type VswitchView = z.infer<typeof VswitchView>;

/** A whole z/VM system. */
export const HostView = z.object({
  host: HostName,
  /** Time of the last IPL, as z/VM prints it. */
  iplTime: z.string().nullable(),
  /** Absent in the answer of a worker of an older build. */
  capabilities: HostCapabilities.optional(),
  /** Answers of probes or of the configuration, by name, as they are shown. */
  behaviour: z.array(z.tuple([z.string(), z.string()])).optional(),
  vswitches: z.array(VswitchView),
  guests: z.array(GuestView),
  /** Guests of other members of the SSI cluster that run here; absent on a host that is no member of one. */
  visitors: z
    .array(z.object({ userid: Userid, node: NodeName, belongsTo: z.string(), portIds: z.array(PortId) }))
    .optional(),
  /** Unreadable values of the host; nothing is changed there. */
  findings: z.array(Finding).default([]),
});
export type HostView = z.infer<typeof HostView>;

/** One guest in full. */
export type ShownGuest = {
  userid: Userid;
  node: NodeName;
  loggedOn: boolean;
  /** The other member of the SSI cluster that runs it. */
  runsOn?: string;
  record: RecordedPort[];
  directory: Nicdef[];
  live: LiveNic[];
  authorisations: { vswitch: VswitchName; vlans: number[]; portNumber?: number }[];
  /** The steps that reconciliation would carry out. */
  steps: string[];
  /** Why it cannot do more. */
  problems: string[];
  tags: StateTags;
};

/** Tags of the state of a guest and of each of its ports: different states have different tags. */
export type StateTags = { guest: string; ports: Record<string, string> };

/** True when reconciliation would change nothing of the guest. */
export function isInOrder({ steps, problems }: Pick<ShownGuest, 'steps' | 'problems'>): boolean {
  return steps.length === 0 && problems.length === 0;
}

/** A port of a guest: its record and its state on z/VM. Undefined when the guest has no such port. */
export function shownPort(guest: Omit<ShownGuest, 'tags'>, portId: string) {
  const record = guest.record.find((port) => port.portId === portId);
  if (record === undefined) return undefined;
  const { vdev, vswitch } = record;
  return {
    record,
    actual: {
      loggedOn: guest.loggedOn,
      directory: guest.directory.find((nic) => nic.vdev === vdev) ?? null,
      live: guest.live.find((nic) => nic.vdev === vdev) ?? null,
      authorisation: guest.authorisations.find((entry) => entry.vswitch === vswitch) ?? null,
    },
    inOrder: isInOrder(guest),
  };
}

/** Put a guest's record beside its state on the VSWITCHes of the member that it is coupled on. */
export function guestViewOf(
  userid: Userid,
  node: NodeName,
  recorded: readonly RecordedPort[],
  place: { member?: MemberName; vswitches: readonly Vswitch[]; capabilities?: HostCapabilities },
  /** Why the guest is none of the host's, though ports are recorded for it. */
  absence?: string,
): GuestView {
  const { member, vswitches } = place;
  const isByDirectory = directoryAuthorizes(place.capabilities);
  const isAbsent = absence === undefined ? [] : [absence];
  const coupled = vswitches.flatMap(({ name, nics }) =>
    nics.filter((nic) => nic.userid === userid).map(({ vdev, mac }) => ({ vdev, vswitch: name, mac })),
  );
  return {
    userid,
    node,
    ports: recorded.map(({ doubled, recordedFor, ...port }) => ({
      ...port,
      userid,
      drift: [...isAbsent, ...certainDrift(userid, [{ ...port, ...defined({ doubled, recordedFor }) }], place)],
      actual: {
        vlans: authorisedOn(port.vswitch, userid, vswitches),
        coupledTo: coupled.find((nic) => nic.vdev === port.vdev)?.vswitch ?? null,
        ...(isByDirectory && authorisedOn(port.vswitch, userid, vswitches) === null
          ? { mayBeInDirectory: true as const }
          : {}),
      },
    })),
    foreignNics: coupled
      .filter((nic) => !recorded.some((port) => port.vdev === nic.vdev))
      .map(({ mac, ...nic }) => ({ ...nic, ...defined({ mac }) })),
    drift: [...isAbsent, ...certainDrift(userid, recorded, place)],
    ...defined({ runsOn: member }),
  };
}

/** Certain drift only. An uncoupled NIC alone is none: the guest may be logged off. */
function certainDrift(
  userid: Userid,
  recorded: readonly RecordedPort[],
  { vswitches, capabilities }: { vswitches: readonly Vswitch[]; capabilities?: HostCapabilities },
): string[] {
  const nothing = {
    remembered: undefined,
    hidesPorts: false,
    nicsOfOthers: [],
    wanted: new Map(),
    unconfirmed: new Set<never>(),
    unwanted: [],
  };
  const { certain, lines } = driftOf({ userid, recorded, ...nothing }, vswitches, capabilities);
  const unclear = unclearPorts({ userid, recorded }, vswitches).map(
    ({ portId, reason }) => `port ${portId}: ${reason}`,
  );
  return [...unclear, ...(certain ? lines : [])];
}

/** The VLANs that a guest is authorised for on a VSWITCH, none for a flat authorisation; null when it has no authorisation there. */
function authorisedOn(name: VswitchName | undefined, userid: Userid, vswitches: readonly Vswitch[]): number[] | null {
  const vswitch = vswitches.find((each) => each.name === name);
  const own = (vswitch?.authorisations ?? []).filter((entry) => entry.userid === userid);
  if (vswitch === undefined || own.length === 0) return null;
  return [...new Set(own.flatMap((entry) => authorisedVlans(vswitch, entry)))];
}

/** A VSWITCH without the fields that only a plan needs. */
export function vswitchViewOf(vswitch: Vswitch, physicalNetwork: string | undefined): VswitchView {
  const { name, portSelection, transport, vlanAware, status, uplinks, authorisations, nics } = vswitch;
  return {
    name,
    physicalNetwork: physicalNetwork ?? null,
    portSelection,
    transport,
    vlanAware,
    status: status ?? null,
    uplinks: [...uplinks],
    authorisations: authorisations.map((entry) => ({ ...entry, vlans: [...authorisedVlans(vswitch, entry)] })),
    nics: [...nics],
  };
}
