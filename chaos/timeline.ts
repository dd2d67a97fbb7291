import type { PortPlace } from './places.ts';
import { macIdOf, type SimulatorEvent } from './simulator.ts';

/** A port in z/VM between two of its changes. */
export type Shown = {
  /** The VSWITCH in its NICDEF, null for one without; undefined when it has no NICDEF. */
  nicdef: string | null | undefined;
  /** The VLANs of its guest's authorisation on its VSWITCH, one list for each grant. */
  grants: number[][];
  /** The NIC of the running guest; undefined when there is none. */
  nic: { vswitch: string | null; vlans: number[] } | undefined;
};

/** The state `shown` after `from` events, until the event after `to`. */
export type Moment = { from: number; to: number; shown: Shown };

/**
 * A port in z/VM's log: one moment after each change of its NICDEF, of its guest's grants on its VSWITCH, or of its live NIC. The guest has no other
 * port on that VSWITCH, and MACs identify ports, so each entry of the log belongs to one port at most.
 */
export function momentsOf(place: PortPlace, events: readonly SimulatorEvent[]): Moment[] {
  const reader = new PortReader(place);
  const moments: Moment[] = [{ from: 0, to: events.length, shown: reader.shown() }];
  for (const [index, event] of events.entries()) {
    if (event.userid !== place.userid || !reader.take(event)) continue;
    const last = moments.at(-1);
    if (last !== undefined) last.to = index;
    moments.push({ from: index + 1, to: events.length, shown: reader.shown() });
  }
  return moments;
}

const NO_EVENT = { seq: 0, time: 0, type: 'nicdef-changed' };

/** Follows the log of one guest and keeps the state of one of its ports. */
class PortReader {
  private readonly macId: string;
  private readonly place: PortPlace;
  private readonly grants = new Map<number | null, number[]>();
  private nicdef: { vdev: string; vswitch: string | null } | undefined;
  private nic: { vdev: string; vswitch: string | null; vlans: number[] } | undefined;

  constructor(place: PortPlace) {
    this.place = place;
    this.macId = macIdOf(place.mac);
  }

  shown(): Shown {
    const { nicdef, nic } = this;
    return {
      nicdef: nicdef?.vswitch,
      grants: [...this.grants.values()],
      nic: nic === undefined ? undefined : { vswitch: nic.vswitch, vlans: nic.vlans },
    };
  }

  /** True when the entry has changed the port. */
  take(event: SimulatorEvent): boolean {
    switch (event.type) {
      case 'granted':
      case 'revoked':
        return event.vswitch === this.place.vswitch && this.takeGrant(event);
      case 'vlans-changed':
        if (event.vswitch !== this.place.vswitch) return false;
        this.takeNic(event);
        return this.takeGrant(event);
      case 'nicdef-added':
      case 'nicdef-changed':
      case 'nicdef-removed':
        return this.takeNicdef(event);
      case 'entry-replaced':
        return this.takeEntry(event);
      default:
        return this.takeNic(event);
    }
  }

  private takeGrant({ type, port = null, vlans = [] }: SimulatorEvent): boolean {
    if (type === 'revoked') return this.grants.delete(port);
    this.grants.set(port, vlans);
    return true;
  }

  private takeNicdef({ type, vdev = '', statement = '' }: SimulatorEvent): boolean {
    if (type === 'nicdef-removed') {
      if (this.nicdef?.vdev !== vdev) return false;
      this.nicdef = undefined;
      return true;
    }
    if (!this.isOwn(vdev, statement)) return false;
    this.nicdef = { vdev, vswitch: / LAN SYSTEM (\S+)/.exec(statement)?.[1] ?? null };
    return true;
  }

  /** An entry that was replaced as a whole, with all its NICDEFs. */
  private takeEntry({ statements = [] }: SimulatorEvent): boolean {
    const before = this.nicdef;
    const own = statements.find((each) => this.isOwn(each.split(' ')[1] ?? '', each));
    if (own === undefined) this.nicdef = undefined;
    else this.takeNicdef({ ...NO_EVENT, vdev: own.split(' ')[1], statement: own });
    return before?.vswitch !== this.nicdef?.vswitch || (before === undefined) !== (this.nicdef === undefined);
  }

  private isOwn(vdev: string, statement: string): boolean {
    const { place, macId } = this;
    return place.vdev === undefined ? statement.split(' ').includes(macId) : vdev === place.vdev;
  }

  private takeNic({ type, vdev = '', mac = '', vswitch, vlans = [] }: SimulatorEvent): boolean {
    if (type === 'nic-defined') {
      if (this.place.vdev === undefined ? macIdOf(mac) !== this.macId : vdev !== this.place.vdev) return false;
      this.nic = { vdev, vswitch: null, vlans: [] };
      return true;
    }
    if (this.nic?.vdev !== vdev) return false;
    if (type === 'nic-removed') this.nic = undefined;
    else if (type === 'coupled') this.nic = { vdev, vswitch: vswitch ?? null, vlans };
    else if (type === 'uncoupled') this.nic = { vdev, vswitch: null, vlans: [] };
    else if (type === 'vlans-changed') this.nic = { ...this.nic, vlans };
    else return false;
    return true;
  }
}
