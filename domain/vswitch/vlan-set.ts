/** `user_vlan_id` takes at most 4 single VLANs or at most 2 ranges (docs/reference/smcli.md 3.2). */
export const MOST_SINGLE = 4;
const MOST_RANGES = 2;

/**
 * A set of VLANs in the words of a user-based authorisation: single VLANs, or ranges `100-200`. Undefined when it takes more of them than
 * z/VM accepts.
 */
export function vlanSetWords(vlans: readonly number[]): string[] | undefined {
  const sorted = [...new Set(vlans)].sort((one, other) => one - other);
  if (sorted.length <= MOST_SINGLE) return sorted.map(String);
  const ranges = rangesOf(sorted);
  return ranges.length > MOST_RANGES ? undefined : ranges.map(({ from, to }) => `${from}-${to}`);
}

/** A set of VLANs as short as it can be said: `5`, `100-200`. */
export function shortVlans(vlans: readonly number[]): string[] {
  const sorted = [...new Set(vlans)].sort((one, other) => one - other);
  return rangesOf(sorted).flatMap(({ from, to }) => {
    if (from === to) return [String(from)];
    return to === from + 1 ? [String(from), String(to)] : [`${from}-${to}`];
  });
}

/** The VLANs of such words, each once; none for what is no VLAN or range. */
export function vlansOfWords(words: readonly string[]): number[] {
  const vlans = words.flatMap((word) => {
    const [, low = '', high = low] = /^(\d{1,4})(?:-(\d{1,4}))?$/.exec(word) ?? [];
    const from = Number(low);
    return low === '' ? [] : Array.from({ length: Math.max(0, Number(high) - from + 1) }, (_, index) => from + index);
  });
  return [...new Set(vlans)];
}

function rangesOf(sorted: readonly number[]): { from: number; to: number }[] {
  const ranges: { from: number; to: number }[] = [];
  for (const vlan of sorted) {
    const last = ranges.at(-1);
    if (last !== undefined && last.to === vlan - 1) last.to = vlan;
    else ranges.push({ from: vlan, to: vlan });
  }
  return ranges;
}

/** True when the two hold the same VLANs, in whatever order. */
export function sameVlans(one: readonly number[], other: readonly number[]): boolean {
  const numbers = (vlans: readonly number[]) => [...new Set(vlans)].sort((a, b) => a - b).join();
  return numbers(one) === numbers(other);
}
