import { shortVlans } from '../vswitch/vlan-set.ts';

/** VLANs as a drift line says them. */
export function vlansText(vlans: readonly number[]): string {
  return vlans.length === 0 ? 'no VLAN' : `VLAN ${shortVlans(vlans).join(', ')}`;
}
