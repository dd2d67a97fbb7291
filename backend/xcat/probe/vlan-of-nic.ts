import { type Vdev, vdevNumber } from '../../../domain/port/vdev.ts';
import type { Userid } from '../../../domain/text/identifiers.ts';

/**
 * The VLANs of an adapter in CP's QUERY VSWITCH DETAILS; undefined where it does not tell them, or not the adapter. The form of an adapter is
 * that of IBM's manual, recalled: other forms count as not told.
 */
export function vlansInDetails(output: string, userid: Userid, vdev: Vdev): number[] | undefined {
  const [, ...adapters] = output.split(/^\s*Adapter Owner:[ \t]*/im);
  const own = adapters.find((text) => {
    const [, owner = '', device = ''] = /^(\S+)[ \t]+NIC:[ \t]*([0-9A-F]{1,4})(?:\.P\d\d)?(?=\s)/i.exec(text) ?? [];
    return owner.toUpperCase() === userid && Number.parseInt(device, 16) === vdevNumber(vdev);
  });
  const words = /^\s*VLAN:[ \t]*(\d[\d \t]*)$/im.exec(own ?? '')?.[1];
  return words === undefined ? undefined : numbersIn(words.trim().split(/\s+/));
}

function numbersIn(words: readonly string[]): number[] | undefined {
  const vlans = words.map(Number).filter((vlan) => vlan >= 1 && vlan <= 4094);
  return vlans.length === words.length ? vlans : undefined;
}
