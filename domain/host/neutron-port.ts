import { type Refusal, refusal } from '../planning/refusal.ts';
import type { Mac } from '../port/mac.ts';
import { type PortId, SegmentationId, type VswitchName } from '../text/identifiers.ts';
import type { Network } from '../vswitch/network.ts';
import type { HostRules } from './host.ts';

/** One segment of a Neutron network: how it looks on a physical network. */
export type Segment = {
  networkType: string;
  physicalNetwork: string | undefined;
  segmentationId: number | undefined;
};

/** The vnic type of ports of virtual switches. */
export const NORMAL = 'normal';

/** A port as Neutron has it. */
export type NeutronPort = {
  portId: PortId;
  networkId: string;
  /** The host that its active binding names; empty when it is bound nowhere. */
  host: string;
  /** The owner of the NIC: an instance of Nova's, or whatever the creator of the port wrote. */
  deviceId: string;
  /** `compute:nova`, `network:dhcp`, … */
  deviceOwner: string;
  /** Absent when it is none that a NIC can have: a multicast address. */
  mac?: Mac;
  adminStateUp: boolean;
  status: string;
  /** Grows with each change of the port, its status included. Absent where the server has none. */
  revision?: number;
  /** The state of its binding: bound by a mechanism driver, failed, or pending. */
  binding: 'bound' | 'failed' | 'none';
  /** The kind of NIC: one of a virtual switch, or else a device that is handed to the guest. */
  vnicType: string;
  /** The QoS policy that it has, by itself or by its network. */
  qosPolicy?: string;
  /** Absent when it is not bound, or on no physical network. */
  segment?: Segment;
};

/** Neutron's wishes for a port, in this project's terms. */
export type WantedPort = { vswitch: VswitchName; network: Network; adminStateUp: boolean; mac?: Mac };

/** True for ports that Neutron's own services have on a host, above all its DHCP agent: they belong to no guest. */
export function isNeutronsOwn({ deviceOwner }: NeutronPort): boolean {
  return deviceOwner.startsWith('network:');
}

/** VSWITCH and VLAN that a bound port stands for on a host, or why it can have none there. */
export function wantedOf(
  { segment, adminStateUp, mac, portId, vnicType }: NeutronPort,
  rules: Pick<HostRules, 'host' | 'vswitches'>,
): { wanted: WantedPort } | { refusals: Refusal[] } {
  if (vnicType !== NORMAL) {
    const reason = `port ${portId} has vnic type ${vnicType}, which a VSWITCH does not support`;
    return { refusals: [refusal('binding:vnic_type', reason, 'create the port with vnic type normal')] };
  }
  if (segment === undefined) {
    const reason = `Neutron has not bound port ${portId}: ${rules.host} has no physical network of its network`;
    return {
      refusals: [refusal('network', reason, 'map its physical network to a VSWITCH, then bind the port again')],
    };
  }
  const { networkType, physicalNetwork, segmentationId } = segment;
  const allowed = rules.vswitches.find((each) => each.physicalNetwork === physicalNetwork);
  if (allowed === undefined) {
    const reason = `physical network ${physicalNetwork ?? 'none'} has no VSWITCH on ${rules.host}`;
    return { refusals: [refusal('vswitch', reason, 'add it to vswitch_mappings or bridge_mappings')] };
  }
  const network = networkOf(networkType, segmentationId);
  if (network === undefined) {
    const reason = `a VSWITCH does not support networks of type ${networkType}`;
    return { refusals: [refusal('network.type', reason, 'use a network of type vlan or flat')] };
  }
  if (mac === undefined) {
    const reason = `port ${portId} has a multicast MAC address, which no NIC can have`;
    return { refusals: [refusal('mac', reason, 'give the port a unicast MAC address')] };
  }
  return { wanted: { vswitch: allowed.vswitch, network, adminStateUp, mac } };
}

function networkOf(networkType: string, segmentationId: number | undefined): Network | undefined {
  if (networkType === 'flat') return { type: 'flat' };
  const vlan = SegmentationId.safeParse(segmentationId);
  return networkType === 'vlan' && vlan.success ? { type: 'vlan', segmentationId: vlan.data } : undefined;
}
