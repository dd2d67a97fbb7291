import type { PortPlace } from './layout.ts';
import { type Told, together, type Word } from './model.ts';
import type { SimulatorEvent } from './simulator-state.ts';
import { type Moment, momentsOf, type Shown } from './timeline.ts';

/** An operation that was carried out on a port: its word, and when it had ended. */
export type Deed = Word & { endedAt: number };

/** Two neighbours on one port; the later accepted one was carried out before the earlier one. */
export type Inversion = { portId: string; userid: string; earlier: Deed; later: Deed };

export type OrderFound = {
  /** Neighbouring pairs of operations on one port that were both carried out and have an order. */
  pairs: number;
  /** Pairs of which z/VM's log does not show when one of them was done: nothing can be said of them. */
  unobserved: number;
  inversions: Inversion[];
};

/**
 * Pairs that were carried out in another order than they were accepted in, by z/VM's own log.
 *
 * An operation ends when a reading has shown the port as it answers that it is. So between its acceptance and its end there was a moment at
 * which z/VM showed just that: NICDEF, grant and NIC together. Each change of the VLAN takes a VLAN that no other operation on the guest
 * asks for, so that these moments tell operations apart, also those that set no VLAN themselves. A pair is inverted when the last moment
 * at which the later one can have been done lies before the first moment at which the earlier one can. That needs no knowledge of how
 * operations are carried out, and errs on the side of right: where an operation's state came twice the moment that suits it counts, and
 * where it never came, as when one plan serves several operations, the pair is not judged. The order in which operations end is no evidence:
 * their workers may hear of it in any order.
 */
export function orderOn(place: PortPlace, deeds: readonly Deed[], events: readonly SimulatorEvent[]): OrderFound {
  const found: OrderFound = { pairs: 0, unobserved: 0, inversions: [] };
  const moments = momentsOf(place, events);
  const groups = together(deeds);
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

/** In numbers of events that had happened: the first and the last moment at which z/VM showed what the operation answered, while it ran. */
function spanOf(
  { acceptedAt, endedAt, told }: Deed,
  place: PortPlace,
  moments: readonly Moment[],
  events: readonly SimulatorEvent[],
): { earliest: number; latest: number } | undefined {
  const begin = countBefore(events, acceptedAt);
  const end = countBefore(events, endedAt + 1);
  const fitting = moments.filter(({ from, to, shown }) => from <= end && to >= begin && shows(shown, told, place));
  const [first] = fitting;
  const last = fitting.at(-1);
  if (first === undefined || last === undefined) return undefined;
  return { earliest: Math.max(first.from, begin), latest: Math.min(last.to, end) };
}

/** How many events happened before a time. */
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

function shows({ nicdef, grants, nic }: Shown, told: Told, { vswitch }: PortPlace): boolean {
  if (told === null) return nicdef === undefined && grants.length === 0 && nic === undefined;
  if (nicdef === undefined) return false;
  const { vlan, up, live } = told;
  if (vlan !== undefined && !(grants.length === 1 && grants[0]?.join() === String(vlan))) return false;
  if (up !== undefined && nicdef !== (up ? vswitch : null)) return false;
  if (live !== undefined && (nic !== undefined) !== live) return false;
  // A NIC that is on its way is not yet what was asked for.
  if (nic === undefined || up === undefined) return true;
  return up
    ? nic.vswitch === vswitch && (vlan === undefined || nic.vlans.join() === String(vlan))
    : nic.vswitch === null;
}
