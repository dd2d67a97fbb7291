import { z } from 'zod';
import { NodeName, PortId, SegmentationId, Userid, VswitchName } from './identifiers.ts';
import { Mac } from './mac.ts';
import { Vdev } from './vdev.ts';

/** How a port's frames are tagged: not at all (flat), or access to one VLAN. */
export const Network = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('flat') }),
  z.strictObject({ type: z.literal('vlan'), segmentationId: SegmentationId }),
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
});
export type Port = z.infer<typeof Port>;

/** VLANs of the authorisation that a network needs: none for flat (the VSWITCH's default applies), one for access. */
export function vlansOf(network: Network): readonly number[] {
  return network.type === 'flat' ? [] : [network.segmentationId];
}

/** Readable form: `flat` or `VLAN 1001`. */
export function describeNetwork(network: Network): string {
  return network.type === 'flat' ? 'flat' : `VLAN ${network.segmentationId}`;
}

/** True when both are flat or both are access to the same VLAN. */
export function sameNetwork(one: Network, other: Network): boolean {
  return describeNetwork(one) === describeNetwork(other);
}
