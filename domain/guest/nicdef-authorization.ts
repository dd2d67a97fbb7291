import { shortVlans } from '../vswitch/vlan-set.ts';
import type { NicdefAuthorization } from './guest.ts';

/** The operands as a NICDEF has them: `VLAN 7 PORTTYPE ACCESS`. Ranges are written short. */
export function authorizationText({ vlans, portType, promiscuous, priority }: NicdefAuthorization): string {
  return [
    ...(vlans === undefined || vlans.length === 0 ? [] : [`VLAN ${shortVlans(vlans).join(' ')}`]),
    ...(portType === undefined ? [] : [`PORTTYPE ${portType}`]),
    ...(promiscuous === undefined ? [] : [promiscuous ? 'PROMISCUOUS' : 'NOPROMISCUOUS']),
    ...(priority === undefined ? [] : [`PQUPLINKTX ${priority}`]),
  ].join(' ');
}

/** True when both say the same; the order of VLANs does not count. */
export function sameAuthorization(one: NicdefAuthorization = {}, other: NicdefAuthorization = {}): boolean {
  return textOf(one) === textOf(other);
}

function textOf({ vlans, ...rest }: NicdefAuthorization): string {
  return authorizationText(vlans === undefined ? rest : { ...rest, vlans: vlans.toSorted((a, b) => a - b) });
}
