import type { PortId, Userid, VswitchName } from '../text/identifiers.ts';
import { quoteValue } from '../text/quoted-value.ts';
import type { Network, RecordedNetwork } from '../vswitch/network.ts';
import { shortVlans } from '../vswitch/vlan-set.ts';
import type { Hostname, IpAddress } from './address.ts';
import type { Mac } from './mac.ts';
import type { PortNumber } from './port-number.ts';
import type { Vdev } from './vdev.ts';

/** A port as it should be: every value decided. One NIC of one guest on one VSWITCH. */
export type Port = {
  portId: PortId;
  userid: Userid;
  vswitch: VswitchName;
  network: Network;
  /** Absent of a port taken over from the historic agent whose NIC has none but what CP gives it: that stays so. */
  mac?: Mac;
  vdev: Vdev;
  adminStateUp: boolean;
  /** Fixed address and own name for the name service; the guest's name and vdev stand in for a name. */
  address?: IpAddress;
  hostname?: Hostname;
  /** On a port-based VSWITCH only. The guest's directory entry keeps it (NICDEF PORTNUMBER). */
  portNumber?: PortNumber;
};

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
export function describeNetwork(network: RecordedNetwork): string {
  switch (network.type) {
    case 'flat':
      return 'flat';
    case 'vlan':
      return `VLAN ${network.segmentationId}`;
    case 'trunk':
      return `trunk of VLANs ${shortVlans(network.segmentationIds).join(', ')}`;
    case 'unreadable':
      return `an unreadable network, ${quoteValue(network.text)}`;
  }
}

/** A port in words, as far as others may change it: `NIC 1000 on VSW1, VLAN 1001, up`. */
export function describePort({
  vdev,
  vswitch,
  network,
  adminStateUp,
}: Pick<Port, 'adminStateUp'> & {
  vdev?: Vdev | undefined;
  vswitch?: VswitchName | undefined;
  network: RecordedNetwork;
}): string {
  const nic = vdev === undefined ? 'not wired' : `NIC ${vdev} on ${vswitch ?? 'no VSWITCH'}`;
  return `${nic}, ${describeNetwork(network)}, ${adminStateUp ? 'up' : 'down'}`;
}

/** True when frames are tagged the same way. */
export function sameNetwork(one: RecordedNetwork, other: RecordedNetwork): boolean {
  return describeNetwork(one) === describeNetwork(other);
}
