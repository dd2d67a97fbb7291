import type { Desired, DesiredPort } from '../../../domain/guest/desired.ts';
import type { GuestState } from '../../../domain/guest/guest.ts';
import type { Vdev } from '../../../domain/port/vdev.ts';
import type { PortId } from '../../../domain/text/identifiers.ts';
import type { Adoption } from '../../backend.ts';
import { type AdoptedPort, planRemovals, recordChange } from './record-plan.ts';

/** A guest as Feilong's tables have it. */
type FeilongRows = {
  registered: boolean;
  /** Rows with a NIC that can be read; without `portId` those of NICs that are nobody's port. */
  rows: readonly { vdev: Vdev; portId?: PortId }[];
};

declare module '../../../domain/guest/guest.ts' {
  interface GuestState {
    feilong?: FeilongRows;
  }
}

/** A request with more ports would be longer than the server takes (docs/reference/feilong.md 4). */
const MOST_ADOPTED = 60;

/**
 * Plan how ports get rows whose NICs are there already. Feilong registers a guest with the NICs that it has live, and never again, so a guest
 * that is registered is registered anew; its NICs keep what they have. Ports are found by the MACs of
 * NICs, which z/VM tells of coupled ones alone: others would get a row without a port.
 */
export function planAdoption(desired: Desired, guest: GuestState): Adoption {
  const { registered, rows } = guest.feilong ?? { registered: false, rows: [] };
  const has = ({ portId, vdev }: DesiredPort) => rows.some((row) => row.portId === portId && row.vdev === vdev);
  const missing = desired.ports.filter((port) => !has(port));
  const forget = planRemovals(desired, guest);
  if (missing.length === 0) return { steps: forget, left: [] };
  const going = new Set<string>(desired.removed.map(({ portId }) => portId));
  const kept = rows.filter(({ portId }) => portId !== undefined && !going.has(portId));
  const isCoupled = (vdev: Vdev) => guest.live.some((nic) => nic.vdev === vdev && nic.vswitch !== undefined);
  const all = (reason: string): Adoption => ({
    steps: forget,
    left: missing.map(({ portId }) => ({ portId, reason })),
  });
  if (!guest.loggedOn) return all('Feilong registers the NICs of running guests: log it on, and migrate again');
  // A new registration that ends in the middle has lost all rows: what is not asked for would not come back.
  const isAsked = (id: PortId | undefined) => desired.ports.some(({ portId }) => portId === id);
  if (!kept.every(({ vdev, portId }) => isCoupled(vdev) && isAsked(portId)))
    return all(
      'Feilong has rows of other ports, or of NICs that are not coupled, which would get lost: remove them first',
    );
  const coupled = missing.filter(({ vdev }) => isCoupled(vdev));
  const isMoved = (id: PortId) => missing.some(({ portId }) => portId === id);
  const ports: AdoptedPort[] = [
    ...kept.flatMap(({ portId, vdev }) => (portId === undefined || isMoved(portId) ? [] : [{ portId, vdev }])),
    ...coupled.map(({ portId, vdev }) => ({ portId, vdev })),
  ];
  if (ports.length > MOST_ADOPTED) return all(`Feilong takes at most ${MOST_ADOPTED} ports at once`);
  const left = missing
    .filter((port) => !coupled.includes(port))
    .map(({ portId, vdev }) => ({
      portId,
      reason: `NIC ${vdev} is not coupled, and Feilong does not tell whose it is: set its port up, or log the guest off and on`,
    }));
  if (coupled.length === 0) return { steps: forget, left };
  const data = { userid: guest.userid, ports };
  const sentence = `register ${guest.userid} with Feilong${registered ? ' anew' : ''}, with ${ports.length} port(s)`;
  return { steps: [recordChange('record', { operation: 'adopt', data }, sentence), ...forget], left };
}
