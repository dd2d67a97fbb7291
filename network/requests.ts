import { z } from 'zod';
import { HostName, PortId, Userid, VswitchName } from './identifiers.ts';
import { Mac } from './mac.ts';
import { Network } from './port.ts';
import { Vdev } from './vdev.ts';

/** A wanted port. `mac` and `vdev` are chosen when absent; the administrative state is up unless said otherwise. */
export const PortRequest = z.strictObject({
  portId: PortId,
  vswitch: VswitchName,
  network: Network,
  mac: Mac.optional(),
  vdev: Vdev.optional(),
  adminStateUp: z.boolean().default(true),
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

export const CreatePortInput = z.strictObject({ ...target, ...PortRequest.shape, ...limits });
export const AttachNicInput = z.strictObject({
  ...target,
  ports: z
    .array(z.union([PortRequest, KnownPort]))
    .min(1)
    .max(64),
  ...limits,
});
export const ChangeVlanInput = z.strictObject({ ...target, portId: PortId, network: Network, ...limits });
export const SetAdminStateInput = z.strictObject({ ...target, portId: PortId, adminStateUp: z.boolean(), ...limits });
export const DetachNicInput = z.strictObject({ ...target, portIds: z.array(PortId).min(1).max(64), ...limits });
export const DeletePortInput = z.strictObject({ ...target, portId: PortId, ...limits });

/** What an operation asks of one guest's ports. */
export const Change = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('createPort'), port: PortRequest }),
  z.strictObject({ kind: z.literal('attachNic'), ports: z.array(z.union([PortRequest, KnownPort])) }),
  z.strictObject({ kind: z.literal('changeVlan'), portId: PortId, network: Network }),
  z.strictObject({ kind: z.literal('setAdminState'), portId: PortId, adminStateUp: z.boolean() }),
  z.strictObject({ kind: z.literal('detachNic'), portIds: z.array(PortId) }),
  z.strictObject({ kind: z.literal('deletePort'), portId: PortId }),
]);
export type Change = z.infer<typeof Change>;
