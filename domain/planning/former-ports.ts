import { defined } from '../defined.ts';
import type { Desired, DesiredPort } from '../guest/desired.ts';
import type { GuestState } from '../guest/guest.ts';
import type { RestoredPort } from '../operations/requests.ts';
import { describePort } from '../port/port.ts';
import type { Vdev } from '../port/vdev.ts';
import type { PortId } from '../text/identifiers.ts';

/** A port as a plan found it. */
export type FormerPort = Pick<RestoredPort, 'portId' | 'before'>;

/** The ports that a plan is about, as it found them. One that the plan cannot take back, since nobody could read it, is not among them. */
export function formerPorts(affected: readonly PortId[], before: Desired, guest: GuestState): FormerPort[] {
  return affected.flatMap((portId): FormerPort[] => {
    const known = guest.recorded.find((port) => port.portId === portId);
    if (known === undefined) return [{ portId, before: 'absent' }];
    const port = before.ports.find((each) => each.portId === portId);
    if (known.unreadable !== undefined || known.network.type === 'unreadable') return [];
    const { vdev, vswitch, network } = known;
    if (vdev === undefined || vswitch === undefined) return [{ portId, before: 'unwired' }];
    // A port that could not be right as it is recorded is in no plan.
    const { mac, adminStateUp, address, hostname } = port ?? { address: undefined, hostname: undefined, ...known };
    const live = guest.live.some((nic) => nic.vdev === vdev) ? ('present' as const) : ('absent' as const);
    const recorded = { vswitch, network, vdev, adminStateUp, ...defined({ mac, address, hostname }) };
    return [{ portId, before: { ...recorded, live } }];
  });
}

/** The same ports with what a change has left of them: all that its undo needs. Whether a NIC was live counts where the change has changed it. */
export function restorablePorts(
  found: readonly FormerPort[],
  after: readonly DesiredPort[],
  liveVdevs: readonly Vdev[],
): RestoredPort[] {
  return found.map(({ portId, before }) => {
    const port = after.find((each) => each.portId === portId);
    const left = port === undefined ? {} : { left: describePort(port) };
    if (typeof before === 'string') return { portId, before, ...left };
    const { live, ...recorded } = before;
    const isLive = port !== undefined && liveVdevs.includes(port.vdev);
    return { portId, before: (live === 'present') === isLive ? recorded : before, ...left };
  });
}

/** Changes of ports since an operation left them, a sentence each; none of those that are as before it, or as it left them. */
export function changedSince(ports: readonly RestoredPort[], { recorded }: GuestState): string[] {
  return ports.flatMap(({ portId, before, left }) => {
    const port = recorded.find((each) => each.portId === portId);
    const now = port === undefined ? undefined : describePort(port);
    if (now === left || now === wordsFor(before)) return [];
    return [`port ${portId} is ${now ?? 'not recorded'}; the operation left it ${left ?? 'deleted'}`];
  });
}

function wordsFor(before: RestoredPort['before']): string | undefined {
  return typeof before === 'string' ? undefined : describePort(before);
}
