import type { PortView } from '../domain/host/host-view.ts';
import type { ReportedPort } from '../domain/operations/results.ts';
import { quoteValue } from '../domain/text/quoted-value.ts';
import type { UnreadableNetwork } from '../domain/vswitch/network.ts';
import { shortVlans } from '../domain/vswitch/vlan-set.ts';
import { colour } from './output.ts';

/** `flat`, `1001`, `1001,1003-1005`; an unreadable network as its text. */
export function networkText(network: ReportedPort['network'] | UnreadableNetwork): string {
  if (network.type === 'flat') return 'flat';
  if (network.type === 'unreadable') return `${quoteValue(network.text)}?`;
  return network.type === 'vlan' ? String(network.segmentationId) : shortVlans(network.segmentationIds).join(',');
}

/** A port in one line, after a change. */
export function portLine({ portId, vdev, vswitch, network, mac, adminStateUp, live }: ReportedPort): string {
  const on = network.type === 'flat' ? 'flat' : `VLAN ${networkText(network)}`;
  const where = live === 'now' ? 'live now' : 'live at the next logon';
  return `port ${portId}: NIC ${vdev} on ${vswitch}, ${on}, ${mac === undefined ? 'MAC chosen by CP' : `MAC ${mac}`}, ${adminStateUp ? where : 'administratively down'}`;
}

/** The state of a recorded port on z/VM, in a word. */
export function portState({ adminStateUp, vswitch, actual, unreadable }: PortView): string {
  if (unreadable !== undefined) return colour('red', 'unreadable');
  if (vswitch === undefined) return 'waiting';
  if (actual.vlans === null && actual.mayBeInDirectory !== true)
    return adminStateUp ? colour('red', 'not authorised') : 'down';
  if (!adminStateUp) return 'down';
  if (actual.coupledTo === vswitch) return colour('green', 'coupled');
  return actual.coupledTo === null ? 'not coupled' : colour('red', `on ${actual.coupledTo}`);
}
