import { createHash } from 'node:crypto';
import type { HostRecord } from '../backend/reading.ts';
import type { AllowedVswitch } from '../domain/host/host.ts';
import type { PortRequest } from '../domain/operations/requests.ts';
import { type Refusal, refusal } from '../domain/planning/refusal.ts';
import { sameNetwork } from '../domain/port/port.ts';
import { PortId, SegmentationId } from '../domain/text/identifiers.ts';
import { Network } from '../domain/vswitch/network.ts';
import type { Vswitch } from '../domain/vswitch/vswitch.ts';
import type { DhcpPlan } from '../workflows/host-activities.ts';
import { refusedFailure } from './failures.ts';
import type { HostRuntime } from './host-runtime.ts';

/**
 * The NICs that a host's DHCP node needs: on each VSWITCH of the configuration one, a trunk for the VLANs that its networks use. Throws a
 * `Refused` failure when the host has no DHCP node, or a VSWITCH is layer 3: CP answers ARP there and passes no broadcast of a guest
 * (docs/reference/zvm.md 3.2).
 */
export async function planDhcp(host: HostRuntime, signal: AbortSignal): Promise<DhcpPlan> {
  const { dhcpUserid, vswitches: allowed } = host.rules;
  if (dhcpUserid === undefined)
    throw refusedFailure([refusal('host', `host ${host.rules.host} has no DHCP node`, 'set dhcp_userid')]);
  const vswitches = await host.backend.readVswitches(signal);
  const refusals = allowed.flatMap((each) => refuseLayer3(each, vswitches));
  if (refusals.length > 0) throw refusedFailure(refusals);
  return { userid: dhcpUserid, ports: dhcpPorts(host) };
}

/** The ports of a host's DHCP node, by its configuration alone. */
function dhcpPorts({ rules }: HostRuntime): PortRequest[] {
  return rules.vswitches.map((each) => portOn(each, rules.host));
}

/** True when the host's DHCP node has not the ports that the configuration gives it. */
export function lacksDhcp(host: HostRuntime, { recorded }: Pick<HostRecord, 'recorded'>): boolean {
  const { dhcpUserid } = host.rules;
  if (dhcpUserid === undefined) return false;
  const rows = recorded.get(dhcpUserid) ?? [];
  const isRecorded = ({ portId, vswitch, network }: PortRequest) =>
    rows.some((row) => row.portId === portId && row.vswitch === vswitch && sameNetwork(row.network, network));
  return !dhcpPorts(host).every(isRecorded);
}

function refuseLayer3({ vswitch: name }: AllowedVswitch, vswitches: readonly Vswitch[]): Refusal[] {
  if (vswitches.find((candidate) => candidate.name === name)?.transport !== 'IP') return [];
  const reason = `VSWITCH ${name} is layer 3 (IP): it does not pass the MAC addresses and broadcasts that DHCP needs`;
  return [refusal('vswitch', reason, 'use a layer 2 VSWITCH, or serve the network without DHCP')];
}

function portOn({ vswitch, vlanRanges }: AllowedVswitch, host: string): PortRequest {
  const vlans = vlanRanges.flatMap(({ from, to }) => Array.from({ length: to - from + 1 }, (_, index) => from + index));
  return { portId: portIdOf(host, vswitch), vswitch, network: networkOf(vlans), adminStateUp: true };
}

function networkOf(vlans: readonly number[]): Network {
  const [first, ...more] = [...new Set(vlans)].map((vlan) => SegmentationId.parse(vlan));
  if (first === undefined) return { type: 'flat' };
  return Network.parse(
    more.length === 0 ? { type: 'vlan', segmentationId: first } : { type: 'trunk', segmentationIds: [first, ...more] },
  );
}

/** The same port at every run: an id made of host and VSWITCH, in the form of a version 5 UUID. */
function portIdOf(host: string, vswitch: string): PortId {
  const hex = createHash('sha1').update(`networking-zvm dhcp ${host} ${vswitch}`).digest('hex');
  return PortId.parse(
    `${hex.slice(0, 8)}-${hex.slice(8, 12)}-5${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`,
  );
}
