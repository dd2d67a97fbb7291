import type { DesiredPort } from '../domain/guest/desired.ts';
import type { VswitchPort } from '../domain/port/port-number.ts';
import type { Userid } from '../domain/text/identifiers.ts';
import type { Vswitch } from '../domain/vswitch/vswitch.ts';

/**
 * Port numbers that a worker has chosen for its guests and that z/VM does not show yet. Guests that are wired at the same time are decided
 * from the same reading, and z/VM gives a number to who asks last, without a word to who had it.
 */
export type PortNumberReservations = {
  /** The VSWITCHes with the numbers that are kept for other guests shown as taken. */
  context(userid: Userid, vswitches: readonly Vswitch[]): readonly Vswitch[];
  /** Keep the numbers of a guest's ports for it. */
  keep(ports: readonly DesiredPort[]): void;
};

/** An operation that has not given its numbers out by then plans anew, with numbers of its own choice. */
const KEPT_MS = 10 * 60_000;

type Reservation = VswitchPort & { userid: Userid; until: number };

/** Create the reservations of one host's worker; `now` in milliseconds. */
export function createPortNumberReservations(now: () => number = Date.now): PortNumberReservations {
  const kept = new Map<string, Reservation>();

  /** Reservations end once z/VM shows the number, or time is over. */
  const forgetSeen = (vswitches: readonly Vswitch[]) => {
    for (const { name, authorisations } of vswitches)
      for (const { userid, portNumber } of authorisations) {
        const key = `${name} ${portNumber}`;
        if (kept.get(key)?.userid === userid) kept.delete(key);
      }
    for (const [key, { until }] of kept) if (until < now()) kept.delete(key);
  };

  return {
    context(userid, vswitches) {
      forgetSeen(vswitches);
      const others = [...kept.values()].filter((each) => each.userid !== userid);
      if (others.length === 0) return vswitches;
      return vswitches.map((vswitch) => ({
        ...vswitch,
        authorisations: [
          ...vswitch.authorisations,
          ...others
            .filter((each) => each.vswitch === vswitch.name)
            .map((each) => ({ userid: each.userid, vlans: [], portNumber: each.portNumber })),
        ],
      }));
    },
    keep(ports) {
      for (const { userid, vswitch, portNumber } of ports)
        if (portNumber !== undefined)
          kept.set(`${vswitch} ${portNumber}`, { userid, vswitch, portNumber, until: now() + KEPT_MS });
    },
  };
}
