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

/** True of a NICDEF that says by which VLANs or port type its NIC is authorised: such a NIC needs no grant where z/VM heeds it. */
export function namesAccess({ vlans, portType }: NicdefAuthorization = {}): boolean {
  return vlans !== undefined || portType !== undefined;
}

/** Of the further operands of a statement those that `written` does not have again, as they stand. */
export function lostOperands(others: string | undefined, written: NicdefAuthorization): string | undefined {
  const words = others?.split(' ') ?? [];
  const lost: string[] = [];
  for (let at = 0; at < words.length; ) {
    const [operand, length] = operandAt(words, at);
    if (operand === undefined || written[operand] === undefined) lost.push(...words.slice(at, at + length));
    at += length;
  }
  return lost.length === 0 ? undefined : lost.join(' ');
}

/** The operand at a place, undefined for one that is not known, and how many words it has. */
function operandAt(words: readonly string[], at: number): [keyof NicdefAuthorization | undefined, number] {
  const [word = '', next] = words.slice(at);
  if (word === 'VLAN') {
    const end = words.findIndex((other, place) => place > at && !/^\d/.test(other));
    return ['vlans', (end < 0 ? words.length : end) - at];
  }
  if (/^PORTT/.test(word)) return ['portType', 2];
  if (word === 'PQUPLINKTX') return ['priority', 2];
  if (/^(NO)?PRO/.test(word)) return ['promiscuous', 1];
  return [undefined, word === 'TYPE' && next !== undefined ? 2 : 1];
}

function textOf({ vlans, ...rest }: NicdefAuthorization): string {
  return authorizationText(vlans === undefined ? rest : { ...rest, vlans: vlans.toSorted((a, b) => a - b) });
}
