import { z } from 'zod';
import { NodeName, PortId, SegmentationId, Userid, VswitchName } from './identifiers.ts';
import { Mac } from './mac.ts';
import { PortNumber } from './port-number.ts';
import { Vdev } from './vdev.ts';

/** How a port's frames are tagged: not at all (flat), access to one VLAN, or a trunk of several, tagged by the guest itself. */
export const Network = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('flat') }),
  z.strictObject({ type: z.literal('vlan'), segmentationId: SegmentationId }),
  z.strictObject({
    type: z.literal('trunk'),
    segmentationIds: z
      .array(SegmentationId)
      .transform((ids) => [...new Set(ids)].sort((one, other) => one - other))
      .refine((ids) => ids.length > 1, 'a trunk has at least two VLANs'),
  }),
]);
export type Network = z.infer<typeof Network>;

/** A port as it should be: every value decided. One NIC of one guest on one VSWITCH. */
export const Port = z.strictObject({
  portId: PortId,
  userid: Userid,
  node: NodeName,
  vswitch: VswitchName,
  network: Network,
  mac: Mac,
  vdev: Vdev,
  adminStateUp: z.boolean(),
  /** On a port-based VSWITCH only. The guest's directory entry keeps it (NICDEF PORTNUMBER). */
  portNumber: PortNumber.optional(),
});
export type Port = z.infer<typeof Port>;

/** VLANs of the authorisation that a network needs: none for flat (the VSWITCH's default applies), one for access, all of a trunk. */
export function vlansOf(network: Network): readonly number[] {
  switch (network.type) {
    case 'flat':
      return [];
    case 'vlan':
      return [network.segmentationId];
    case 'trunk':
      return network.segmentationIds;
  }
}

/** Readable form: `flat`, `VLAN 1001` or `trunk of VLANs 1001, 1002`. */
export function describeNetwork(network: Network): string {
  switch (network.type) {
    case 'flat':
      return 'flat';
    case 'vlan':
      return `VLAN ${network.segmentationId}`;
    case 'trunk':
      return `trunk of VLANs ${network.segmentationIds.join(', ')}`;
  }
}

/** True when frames are tagged the same way. */
export function sameNetwork(one: Network, other: Network): boolean {
  return describeNetwork(one) === describeNetwork(other);
}
