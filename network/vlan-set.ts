// contract xcat.md 4.3: `user_vlan_id` takes at most 4 single VLANs or at most 2 ranges.
const MOST_SINGLE = 4;
const MOST_RANGES = 2;

/**
 * A set of VLANs in the words of a user-based authorisation: single VLANs, or ranges `100-200`. Undefined when it takes more of them than
 * z/VM accepts.
 */
export function vlanSetWords(vlans: readonly number[]): string[] | undefined {
  const sorted = [...new Set(vlans)].sort((one, other) => one - other);
  if (sorted.length <= MOST_SINGLE) return sorted.map(String);
  const ranges: { from: number; to: number }[] = [];
  for (const vlan of sorted) {
    const last = ranges.at(-1);
    if (last !== undefined && last.to === vlan - 1) last.to = vlan;
    else ranges.push({ from: vlan, to: vlan });
  }
  return ranges.length > MOST_RANGES ? undefined : ranges.map(({ from, to }) => `${from}-${to}`);
}

/** True when the two hold the same VLANs, in whatever order. */
export function sameVlans(one: readonly number[], other: readonly number[]): boolean {
  const numbers = (vlans: readonly number[]) => [...new Set(vlans)].sort((a, b) => a - b).join();
  return numbers(one) === numbers(other);
}
