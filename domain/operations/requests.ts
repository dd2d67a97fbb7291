import { z } from 'zod';
import { Hostname, IpAddress } from '../port/address.ts';
import { Mac } from '../port/mac.ts';
import { Vdev } from '../port/vdev.ts';
import { HostName, PortId, Userid, VswitchName } from '../text/identifiers.ts';
import { Network } from '../vswitch/network.ts';
import { Rdev } from '../vswitch/rdev.ts';

/** A wanted port. `mac` and `vdev` are chosen when absent; the administrative state is up unless said otherwise. */
export const PortRequest = z.strictObject({
  portId: PortId,
  vswitch: VswitchName,
  network: Network,
  mac: Mac.optional(),
  vdev: Vdev.optional(),
  adminStateUp: z.boolean().default(true),
  /** Fixed address, for the `hosts` table and who reads it. */
  address: IpAddress.optional(),
  /** A name for the address; without one it is the node's, or the node's with the vdev. */
  hostname: Hostname.optional(),
});
export type PortRequest = z.infer<typeof PortRequest>;

/** A port that is there already, named by its id alone. */
export const KnownPort = z.strictObject({ portId: PortId });
export type KnownPort = z.infer<typeof KnownPort>;

const target = { host: HostName, userid: Userid };
const limits = {
  /** How long the operation may go on trying while a step fails for now; minutes. */
  giveUpAfterMinutes: z.number().positive().max(10_080).default(60),
  /** On a failure for good, leave what was done for repair instead of undoing it. */
  keepOnFailure: z.boolean().default(false),
};
const operation = {
  ...limits,
  /** Only say what would be done, and which steps interrupt a live NIC. */
  dryRun: z.boolean().default(false),
};

/** What a dry run calls its plan. */
export const PlanId = z.string().regex(/^[0-9a-f]{32}$/, 'has to be the 32 characters that a dry run has told');

/** What has to hold still when the operation has its turn at the guest: else it is refused, with a field that begins with `onlyIf`. */
export const Preconditions = z.strictObject({
  /** The plan that a dry run of the same request has told. */
  plan: PlanId.optional(),
  /** The tag that the guest, or one of its ports, was shown with; null when there was no such port. */
  state: z.strictObject({ portId: PortId.optional(), tag: z.string().nullable() }).optional(),
});
export type Preconditions = z.infer<typeof Preconditions>;

const guestOperation = { ...operation, onlyIf: Preconditions.optional() };

export const CreatePortInput = z.strictObject({ ...target, ...PortRequest.shape, ...guestOperation });
export const AttachNicInput = z.strictObject({
  ...target,
  ports: z
    .array(z.union([PortRequest, KnownPort]))
    .min(1)
    .max(64),
  ...guestOperation,
});
export const ChangeVlanInput = z.strictObject({
  ...target,
  portId: PortId,
  network: Network,
  /** The VSWITCH to move to; left out, the port stays on its own. */
  vswitch: VswitchName.optional(),
  ...guestOperation,
});
export const SetAdminStateInput = z.strictObject({
  ...target,
  portId: PortId,
  adminStateUp: z.boolean(),
  ...guestOperation,
});
export const DetachNicInput = z.strictObject({ ...target, portIds: z.array(PortId).min(1).max(64), ...guestOperation });
export const DeletePortInput = z.strictObject({ ...target, portId: PortId, ...guestOperation });

/** Ports in one `wirePorts`: its input must stay well below the server's warning at 512 KiB (contract temporal.md 1.5). */
export const MOST_PORTS = 2_000;

export const WirePortsInput = z.strictObject({
  host: HostName,
  ports: z
    .array(PortRequest.extend({ userid: Userid }))
    .min(1)
    .max(MOST_PORTS)
    .refine((ports) => new Set(ports.map((port) => port.portId)).size === ports.length, 'a port is named twice'),
  /** True: running guests get the NICs now. False: with their next logon. */
  live: z.boolean().default(false),
  ...operation,
});

export type WirePortsRequest = z.output<typeof WirePortsInput>;

const vswitchTarget = { host: HostName, vswitch: VswitchName };
const hostOperation = { giveUpAfterMinutes: operation.giveUpAfterMinutes, dryRun: operation.dryRun };

export const EnsureVswitchInput = z.strictObject({
  ...vswitchTarget,
  /** Real devices that it had, for one that is made anew where the configuration names none. */
  hadRdevs: z.array(Rdev).max(3).optional(),
  ...hostOperation,
});
export const DeleteVswitchInput = z.strictObject({
  ...vswitchTarget,
  /** Also when NICs are coupled or ports recorded. */
  force: z.boolean().default(false),
  ...hostOperation,
});
export const EnsureDhcpInput = z.strictObject({ host: HostName, ...limits, dryRun: operation.dryRun });
export type EnsureDhcpRequest = z.output<typeof EnsureDhcpInput>;
export const EnsureManagementNetworkInput = z.strictObject({
  host: HostName,
  ...hostOperation,
});
export type EnsureManagementNetworkRequest = z.output<typeof EnsureManagementNetworkInput>;

/** A guest that could not be repaired, and when that is tried again; milliseconds of Unix time. */
export const FailedGuest = z.object({
  userid: z.string(),
  reason: z.string(),
  attempts: z.number().int(),
  notBefore: z.number(),
});
export type FailedGuest = z.infer<typeof FailedGuest>;

export const ReconcileHostInput = z.strictObject({
  host: HostName,
  /** Only list what has drifted and what would be done. */
  dryRun: z.boolean().default(false),
  /** How often this runs; the sweep of the directory goes by it. */
  intervalSeconds: z.number().positive().default(30),
  /** Each directory entry is read at least so often. */
  sweepSeconds: z.number().positive().default(3_600),
  /** What the run before answered; left out, the Schedule's run before. */
  last: z
    .object({ checkpoint: z.string(), failures: z.array(FailedGuest), unreported: z.array(PortId).optional() })
    .optional(),
});
export type ReconcileHostRequest = z.output<typeof ReconcileHostInput>;
export const ReconcileFleetInput = z.strictObject({
  hosts: z.array(HostName).min(1),
  dryRun: z.boolean().default(false),
  /** A host that nobody works for is given up after this. */
  giveUpAfterMinutes: limits.giveUpAfterMinutes,
});
export type ReconcileFleetRequest = z.output<typeof ReconcileFleetInput>;
export const ShowHostInput = z.strictObject({ host: HostName });
export const ShowGuestInput = z.strictObject({ host: HostName, userid: Userid });
export const ListVswitchesInput = z.strictObject({ host: HostName });

/** What an operation asks of one guest's ports. */
export const Change = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('createPort'), port: PortRequest }),
  z.strictObject({ kind: z.literal('attachNic'), ports: z.array(z.union([PortRequest, KnownPort])) }),
  z.strictObject({
    kind: z.literal('changeVlan'),
    portId: PortId,
    network: Network,
    vswitch: VswitchName.optional(),
  }),
  z.strictObject({ kind: z.literal('setAdminState'), portId: PortId, adminStateUp: z.boolean() }),
  z.strictObject({ kind: z.literal('detachNic'), portIds: z.array(PortId) }),
  z.strictObject({ kind: z.literal('deletePort'), portId: PortId }),
  /** The ports become as they are given, new or not: for what is decided elsewhere. */
  z.strictObject({ kind: z.literal('setPorts'), ports: z.array(PortRequest), live: z.boolean() }),
  /**
   * The ports as they are recorded, or as they are given here, each as far as it can be had; those removed, and what is left of others, are
   * undone.
   */
  z.strictObject({
    kind: z.literal('reconcile'),
    ports: z.array(PortRequest),
    removed: z.array(PortId).optional(),
    unrecorded: z.array(z.object({ vdev: Vdev, vswitch: VswitchName })),
    left: z.array(VswitchName),
    /** NICs that ports of ours had at a run before, when z/VM had the guest: where it is gone since, they are undone and their ports forgotten. */
    remembered: z.array(z.object({ vdev: Vdev, vswitch: VswitchName })).optional(),
    /** Ports whose admin state an operator has to confirm, as long as z/VM has them as if they were down; all such ports where it is left out. */
    toConfirm: z.array(PortId).optional(),
  }),
  /** As many of the ports as can be had; the others are refused each for itself. */
  z.strictObject({ kind: z.literal('wirePorts'), ports: z.array(PortRequest), live: z.boolean() }),
]);
export type Change = z.infer<typeof Change>;
