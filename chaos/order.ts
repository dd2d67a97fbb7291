import { byAcceptance, type ReportedState, type Word } from './model.ts';
import type { PortPlace } from './places.ts';
import type { SimulatorEvent } from './simulator.ts';
import { type Moment, momentsOf, type Shown } from './timeline.ts';

/** A word that was carried out, with the end of its operation. */
export type DoneWord = Word & { endedAt: number };

/** Two neighbouring words on one port, carried out in the reverse order of acceptance. */
export type Inversion = { portId: string; userid: string; earlier: DoneWord; later: DoneWord };

export type OrderFound = {
  /** Neighbouring pairs on one port that were both carried out and have an order of acceptance. */
  pairs: number;
  /** Pairs for which z/VM's log does not show one of the words, so that they are not judged. */
  unobserved: number;
  inversions: Inversion[];
};

/**
 * Find pairs that were carried out in the reverse order of acceptance, by z/VM's own log.
 *
 * An operation ends when a reading has shown the port in the reported state. Between its acceptance and its end there was thus a moment at which z/VM
 * showed that state in NICDEF, grant and NIC. Each change of the VLAN takes a VLAN that no other operation on the guest requests, so these moments
 * distinguish operations, even those that set no VLAN. A pair is inverted when the last possible moment of the later word lies before the first
 * possible moment of the earlier one. That needs no knowledge of how operations are carried out and gives no false inversion: of several moments the
 * favourable one counts, and a pair without a moment, as when one plan serves several operations, is not judged. The order in which operations end is
 * no evidence: their workers may learn of it in any order.
 */
export function orderOn(place: PortPlace, words: readonly DoneWord[], events: readonly SimulatorEvent[]): OrderFound {
  const found: OrderFound = { pairs: 0, unobserved: 0, inversions: [] };
  const moments = momentsOf(place, events);
  const groups = byAcceptance(words);
  for (const [index, group] of groups.entries()) {
    const [later, ...alike] = group;
    const [earlier, ...others] = groups[index - 1] ?? [];
    if (earlier === undefined || later === undefined || alike.length > 0 || others.length > 0) continue;
    found.pairs += 1;
    const first = spanOf(earlier, place, moments, events);
    const second = spanOf(later, place, moments, events);
    if (first === undefined || second === undefined) found.unobserved += 1;
    else if (second.latest < first.earliest)
      found.inversions.push({ portId: place.portId, userid: place.userid, earlier, later });
  }
  return found;
}

/** The first and the last moment, as counts of events, at which z/VM showed the reported state while the operation ran. */
function spanOf(
  { acceptedAt, endedAt, reported }: DoneWord,
  place: PortPlace,
  moments: readonly Moment[],
  events: readonly SimulatorEvent[],
): { earliest: number; latest: number } | undefined {
  const begin = countBefore(events, acceptedAt);
  const end = countBefore(events, endedAt + 1);
  const fitting = moments.filter(({ from, to, shown }) => from <= end && to >= begin && shows(shown, reported, place));
  const [first] = fitting;
  const last = fitting.at(-1);
  if (first === undefined || last === undefined) return undefined;
  return { earliest: Math.max(first.from, begin), latest: Math.min(last.to, end) };
}

/** The number of events before a time. */
function countBefore(events: readonly SimulatorEvent[], time: number): number {
  let low = 0;
  let high = events.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const event = events[middle];
    if (event !== undefined && event.time < time) low = middle + 1;
    else high = middle;
  }
  return low;
}

function shows({ nicdef, grants, nic }: Shown, reported: ReportedState, { vswitch }: PortPlace): boolean {
  if (reported === null) return nicdef === undefined && grants.length === 0 && nic === undefined;
  if (nicdef === undefined) return false;
  const { vlan, up, live } = reported;
  if (vlan !== undefined && !(grants.length === 1 && grants[0]?.join() === String(vlan))) return false;
  if (up !== undefined && nicdef !== (up ? vswitch : null)) return false;
  if (live !== undefined && (nic !== undefined) !== live) return false;
  // A NIC that is still being set up is not the requested state yet.
  if (nic === undefined || up === undefined) return true;
  return up
    ? nic.vswitch === vswitch && (vlan === undefined || nic.vlans.join() === String(vlan))
    : nic.vswitch === null;
}
