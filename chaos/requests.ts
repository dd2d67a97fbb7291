import type { OperationType } from './operation.ts';
import { addressOf, type GuestPlace, HOST, type PortPlace } from './places.ts';
import type { Random } from './random.ts';

/** A request in the form of the operation's input, without host and guest, which each way in adds. */
export type PortRequest = {
  type: Exclude<OperationType, 'wirePorts'>;
  place: PortPlace;
  input: Record<string, unknown>;
};
export type WiringRequest = { type: 'wirePorts'; places: PortPlace[]; input: Record<string, unknown> };
export type Request = (PortRequest | WiringRequest) & { dryRun: boolean };

const FIRST_VLAN = 2;
const LAST_VLAN = 4_094;

/** The weights of requests to a port that the load takes to exist, and to one that it takes to be deleted; some have to be refused. */
const OF_A_PORT = {
  changeVlan: 52,
  setAdminState: 16,
  detachNic: 8,
  attachNic: 8,
  deletePort: 9,
  createPort: 4,
  wirePorts: 3,
};
const OF_NO_PORT = { attachNew: 50, createPort: 30, wirePorts: 12, changeVlan: 4, setAdminState: 2, deletePort: 2 };

/** Chooses the next request by the earlier requests, without knowledge of their results. */
export class RequestPlan {
  private readonly random: Random;
  private readonly guests: readonly [GuestPlace, ...GuestPlace[]];
  private readonly nextVlan = new Map<string, number>();
  private readonly lastVlan = new Map<string, number>();
  private readonly assumedPorts = new Set<string>();

  constructor(random: Random, guests: readonly GuestPlace[]) {
    const [first, ...others] = guests;
    if (first === undefined) throw new Error('there are no guests');
    this.random = random;
    this.guests = [first, ...others];
  }

  /** The first requests, which make all ports live. */
  first(): Request[] {
    return this.guests.flatMap((guest) =>
      guest.ports.map((place): Request => {
        this.assumedPorts.add(place.portId);
        return { type: 'attachNic', place, input: { ports: [this.newPort(place)] }, dryRun: false };
      }),
    );
  }

  guest(): GuestPlace {
    return this.random.pick(this.guests);
  }

  /** The next request to a port of the guest. */
  next(guest = this.guest()): Request {
    const [first, ...others] = guest.ports;
    if (first === undefined) throw new Error(`${guest.userid} has no ports`);
    const place = this.random.pick([first, ...others]);
    const dryRun = this.random.chance(0.05);
    const isThere = this.assumedPorts.has(place.portId);
    const kind = isThere ? this.random.weighted(OF_A_PORT) : this.random.weighted(OF_NO_PORT);
    if (kind === 'wirePorts') return { ...this.wiring(place, dryRun), dryRun };
    if (!dryRun) this.assume(place, kind);
    const limits = dryRun ? { dryRun } : {};
    return {
      type: kind === 'attachNew' ? 'attachNic' : kind,
      place,
      input: { ...this.inputOf(kind, place), ...limits },
      dryRun,
    };
  }

  private inputOf(kind: Exclude<keyof typeof OF_A_PORT | keyof typeof OF_NO_PORT, 'wirePorts'>, place: PortPlace) {
    const { portId } = place;
    switch (kind) {
      case 'createPort':
        return this.newPort(place);
      case 'attachNew':
        return { ports: [this.newPort(place)] };
      case 'attachNic':
        return { ports: [{ portId }] };
      case 'changeVlan':
        return { portId, network: this.network(place) };
      case 'setAdminState':
        return { portId, adminStateUp: this.random.chance(0.5) };
      case 'detachNic':
        return { portIds: [portId] };
      case 'deletePort':
        return { portId };
    }
  }

  private wiring(place: PortPlace, dryRun: boolean): WiringRequest {
    const others = this.random.shuffled(this.guests.filter(({ userid }) => userid !== place.userid));
    const places = [place, ...others.slice(0, 2).flatMap((guest) => guest.ports.slice(0, 1))];
    const ports = places.map((each) => ({ userid: each.userid, ...this.newPort(each) }));
    if (!dryRun) for (const each of places) this.assume(each, 'createPort');
    const live = this.random.chance(0.5);
    return { type: 'wirePorts', places, input: { ports, live, ...(dryRun ? { dryRun } : {}) } };
  }

  private assume(place: PortPlace, kind: string): void {
    if (kind === 'deletePort') this.assumedPorts.delete(place.portId);
    if (kind === 'createPort' || kind === 'attachNew') this.assumedPorts.add(place.portId);
  }

  private newPort(place: PortPlace) {
    const { portId, vswitch } = place;
    return { portId, vswitch, ...addressOf(place), network: this.network(place) };
  }

  /** A VLAN that no other request to the guest uses, so that z/VM's log shows its operation; sometimes the port's last one again. */
  private network({ userid, portId }: PortPlace): { type: 'vlan'; segmentationId: number } {
    const again = this.random.chance(0.04) ? this.lastVlan.get(portId) : undefined;
    if (again !== undefined) return { type: 'vlan', segmentationId: again };
    const segmentationId = this.nextVlan.get(userid) ?? FIRST_VLAN;
    if (segmentationId > LAST_VLAN) throw new Error(`${userid} has no VLAN left: take more guests or less time`);
    this.nextVlan.set(userid, segmentationId + 1);
    this.lastVlan.set(portId, segmentationId);
    return { type: 'vlan', segmentationId };
  }
}

/** The input of the workflow (docs/workflows.md). */
export function workflowInput(request: Request): Record<string, unknown> {
  return { host: HOST, ...('place' in request ? { userid: request.place.userid } : {}), ...request.input };
}
