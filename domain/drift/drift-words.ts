import { shortVlans } from '../vswitch/vlan-set.ts';

/** VLANs in a line of drift. */
export function vlansText(vlans: readonly number[]): string {
  return vlans.length === 0 ? 'no VLAN' : `VLAN ${shortVlans(vlans).join(', ')}`;
}
