import { z } from 'zod';
import { Hostname, IpAddress } from '../port/address.ts';
import { Mac } from '../port/mac.ts';
import { Vdev } from '../port/vdev.ts';
import { QUESTION_IDS } from '../probe/questions.ts';
import { HostName, PortId, Userid, VswitchName } from '../text/identifiers.ts';
import { Network } from '../vswitch/network.ts';

/** As many ports of a guest as one operation changes. */
export const MOST_PORTS_OF_GUEST = 64;

/** A wanted port. `mac` and `vdev` are chosen when absent; the administrative state is up unless said otherwise. */
export const PortRequest = z.strictObject({
  portId: PortId,
  vswitch: VswitchName,
  network: Network,
  mac: Mac.optional(),
  vdev: Vdev.optional(),
  adminStateUp: z.boolean().default(true),
  address: IpAddress.optional(),
  hostname: Hostname.optional(),
});
export type PortRequest = z.infer<typeof PortRequest>;

/** A port as an operation found it. `live`, where the operation has changed that: whether the running guest had its NIC. */
const FormerPort = PortRequest.omit({ portId: true }).extend({ live: z.enum(['present', 'absent']).optional() });

/** A port to take back to what it was before an operation. */
export const RestoredPort = z.strictObject({
  portId: PortId,
  /** As the operation found it; `unwired`: recorded, with no NIC yet; `absent`: not recorded. */
  before: z.union([z.literal(['absent', 'unwired']), FormerPort], {
    error: 'must be absent, unwired, or the port as it was',
  }),
  /** As the operation left it, in words; absent of a port that it deleted. */
  left: z.string().max(400).optional(),
});
export type RestoredPort = z.infer<typeof RestoredPort>;

/** An existing port, named by its id alone. In a union zod would report the keys of a new port as unknown to a strict object. */
export const KnownPort = z
  .looseObject({ portId: PortId })
  .refine((port) => Object.keys(port).length === 1, { error: 'must be named by its portId alone', abort: true })
  .meta({ additionalProperties: false })
  .transform(({ portId }) => ({ portId }));
export type KnownPort = z.infer<typeof KnownPort>;

/** A port of an operation that makes ports live: a recorded one, or a new one. */
export const AttachedPort = z.union([KnownPort, PortRequest], {
  error: 'must be the portId of a recorded port alone, or a new port',
});

export const ofHost = { host: HostName };
export const ofGuest = { host: HostName, userid: Userid };

/** The plan of a dry run, by its name. */
export const PlanId = z
  .string()
  .regex(/^[0-9a-f]{32}$/, 'must be the `plan` of a dry run: 32 characters')
  .meta({ description: 'The `plan` of a dry run', example: '0123456789abcdef0123456789abcdef' });

/** Preconditions that have to hold when the operation has its turn at the guest: else it is refused, with a field that begins with `onlyIf`. */
export const Preconditions = z.strictObject({
  /** The plan that a dry run of the same request has named. */
  plan: PlanId.optional(),
  /** The tag that the guest, or one of its ports, was shown with; null when there was no such port. */
  state: z.strictObject({ portId: PortId.optional(), tag: z.string().nullable() }).optional(),
});
export type Preconditions = z.infer<typeof Preconditions>;

/** The operation that another one undoes. */
export const Undoes = z.string().min(1).max(400).meta({ description: 'The id of the operation that this one undoes' });

/** Options of all operations that change something. */
export const hostOptions = {
  giveUpAfterMinutes: z
    .number('must be a number of minutes')
    .positive('must be more than 0')
    .max(10_080, 'must be at most a week, 10080')
    .default(60)
    .meta({ description: 'Longest time to retry transient failures, in minutes; default 60' }),
  dryRun: z.boolean().default(false).meta({ description: 'Plan only, change nothing' }),
};
/** The option of operations that make ports. */
export const liveOption = {
  live: z
    .boolean()
    .default(false)
    .meta({ description: 'Make the ports live on running guests now, not at their next logon' }),
};
/** Options of operations that change guests. */
export const guestOptions = {
  ...hostOptions,
  keepOnFailure: z
    .boolean()
    .default(false)
    .meta({ description: 'After a permanent failure keep the steps carried out, for repair, instead of a rollback' }),
};
/** The options of a request that names none. */
export const DEFAULT_OPTIONS = z.object(guestOptions).parse({});
/** Options of operations that change the ports of one guest. */
export const portOptions = { ...guestOptions, onlyIf: Preconditions.optional() };

/** The thing of a host that a repair is about. */
export const RepairSubject = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('guest'), userid: Userid }),
  z.object({ kind: z.literal('port'), portId: PortId }),
  z.object({ kind: z.literal('vswitch'), vswitch: VswitchName }),
  /** The real devices that connect a VSWITCH. */
  z.object({ kind: z.literal('uplinks'), vswitch: VswitchName }),
  /** A node with recorded ports that stands for no guest; its name as it is recorded. */
  z.object({ kind: z.literal('node'), node: z.string() }),
  /** The node of a guest, gone with the record of ports whose NICs the guest still has. */
  z.object({ kind: z.literal('missingNode'), userid: Userid }),
  z.object({ kind: z.literal('dhcpNode') }),
  z.object({ kind: z.literal('managementNetwork') }),
  z.object({ kind: z.literal('neutron') }),
]);
export type RepairSubject = z.infer<typeof RepairSubject>;

/** A thing that could not be repaired, and when that is tried again; milliseconds of Unix time. */
export const RepairFailure = z.object({
  about: RepairSubject,
  reason: z.string(),
  attempts: z.number().int(),
  notBefore: z.number(),
});
export type RepairFailure = z.infer<typeof RepairFailure>;

/** A change of one guest's ports. */
export const Change = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('createPort'), port: PortRequest }),
  z.strictObject({ kind: z.literal('attachNic'), ports: z.array(AttachedPort) }),
  z.strictObject({
    kind: z.literal('changeVlan'),
    portId: PortId,
    network: Network,
    vswitch: VswitchName.optional(),
  }),
  z.strictObject({ kind: z.literal('setAdminState'), portId: PortId, adminStateUp: z.boolean() }),
  z.strictObject({ kind: z.literal('detachNic'), portIds: z.array(PortId) }),
  z.strictObject({ kind: z.literal('deletePort'), portId: PortId }),
  /** Ports that a grant or a port number authorises are authorised by the user directory from now on. */
  z.strictObject({ kind: z.literal('modernize') }),
  /** The ports become as given, new or not, others go. `asked`: by a caller; absent of what the host itself needs, as for DHCP. */
  z.strictObject({
    kind: z.literal('setPorts'),
    ports: z.array(PortRequest),
    removed: z.array(PortId).optional(),
    live: z.boolean(),
    asked: z.literal(true).optional(),
  }),
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
  /** The ports become as they were before an operation, all together or none. */
  z.strictObject({ kind: z.literal('restore'), ports: z.array(RestoredPort) }),
  /** As many of the ports as possible; each other port has its own refusal. */
  z.strictObject({ kind: z.literal('wirePorts'), ports: z.array(PortRequest), live: z.boolean() }),
  /** Nothing is to be changed: the guest, which has no ports, is where questions to z/VM are asked. */
  z.strictObject({
    kind: z.literal('probe'),
    questions: z.array(z.enum(QUESTION_IDS)),
    vswitch: VswitchName.optional(),
    mayLogOff: z.boolean(),
  }),
  /** The guest's ports are brought into the record of the shadow backend; z/VM stays as it is. */
  z.strictObject({ kind: z.literal('migrate') }),
]);
export type Change = z.infer<typeof Change>;
