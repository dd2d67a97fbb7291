import type { OwnNic } from '../host/checkpoint.ts';
import { type BackendKind, type HostRules, serverName } from '../host/host.ts';
import type { Change } from '../operations/requests.ts';
import type { Refusal, RefusedPort } from '../planning/refusal.ts';
import type { PortId } from '../text/identifiers.ts';
import { type Absence, absenceRefusal, isGone } from './absence.ts';
import type { Desired } from './desired.ts';
import type { GuestState, RecordedPort } from './guest.ts';

type Reconcile = Extract<Change, { kind: 'reconcile' }>;

/** The decision of reconciliation on a guest that the host has not: all that is desired of it, and the ports that it has to leave as they are. */
export function reconcileAbsent(
  change: Reconcile,
  { recorded, userid, absence }: GuestState,
  rules: Pick<HostRules, 'host' | 'server'>,
): { desired: Desired; refused: RefusedPort[] } {
  if (absence === undefined) throw new Error(`${userid} is not absent`);
  if (absence.kind === 'elsewhere' && absence.inCluster === true)
    return leftToMember(change, recorded, absenceRefusal(userid, rules, absence));
  const removed = [...new Set([...(change.removed ?? []), ...forgotten(change, recorded, absence)])];
  const unrecorded = undoneNics(change, recorded, absence);
  const refusals = [absenceRefusal(userid, rules, absence)];
  const going = new Set<PortId>(removed);
  const left = recorded.map(({ portId }) => portId).filter((portId) => !going.has(portId));
  const wanted = change.ports.map(({ portId }) => portId);
  return {
    desired: {
      ports: [],
      removed: removed.map((portId) => ({ portId, unwired: false })),
      unrecorded,
      keepAuthorised: [],
      leaving: [...change.left, ...unrecorded.map((nic) => nic.vswitch)],
      // The host that has the guest now takes the record over.
      ...(absence.kind === 'elsewhere' ? { recordStays: true } : {}),
    },
    refused: [...new Set([...left, ...wanted])].map((portId) => ({ portId, refusals })),
  };
}

/**
 * A guest that has moved within its SSI cluster: directory and running guest are the same ones, and the host that it belongs to now sees to its
 * grants on all members. It may come back, too.
 */
function leftToMember(
  { ports }: Reconcile,
  recorded: readonly RecordedPort[],
  reason: Refusal,
): ReturnType<typeof reconcileAbsent> {
  const portIds = new Set([...recorded, ...ports].map(({ portId }) => portId));
  return {
    desired: { ports: [], removed: [], keepAuthorised: [], leaving: [], recordStays: true },
    refused: [...portIds].map((portId) => ({ portId, refusals: [reason] })),
  };
}

/**
 * Ports of a guest that was there at a run before and is gone: a guest of the same name that is made later must not get them. A guest that was
 * never seen may be one that is just being made, or a userid that is written wrongly.
 */
function forgotten({ remembered = [] }: Reconcile, recorded: readonly RecordedPort[], absence: Absence): PortId[] {
  if (!isGone(absence)) return [];
  return recorded
    .filter(({ vdev, vswitch }) => remembered.some((nic) => nic.vdev === vdev && nic.vswitch === vswitch))
    .map(({ portId }) => portId);
}

/** NICs of ports that z/VM may still have: of a guest that it has without a node, nobody knows whether it is to be cut off. */
function undoneNics(
  { unrecorded, remembered = [] }: Reconcile,
  recorded: readonly RecordedPort[],
  absence: Absence,
): OwnNic[] {
  if (absence.kind !== 'elsewhere') return isGone(absence) ? unrecorded : [];
  const wired = recorded.flatMap(({ vdev, vswitch, unreadable }) =>
    vdev === undefined || vswitch === undefined || unreadable !== undefined ? [] : [{ vdev, vswitch }],
  );
  return [...wired, ...remembered];
}

/** The absence as a line of drift. */
export function absenceLine(userid: string, absence: Absence, server: BackendKind = 'xcat'): string {
  switch (absence.kind) {
    case 'elsewhere':
      return `${userid} is on ${absence.zhcp} now, but has ports on this host`;
    case 'unknown':
      return absence.remains
        ? `guest ${userid} with ports on this host is no longer in ${serverName(server)}, but is still on z/VM`
        : `guest ${userid} with ports on this host no longer exists`;
    case 'undefined':
      return `guest ${userid} with ports on this host is no longer in the user directory`;
  }
}
