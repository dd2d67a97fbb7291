import type { GuestState, RecordedPort } from '../guest/guest.ts';
import { type Refusal, refusal } from '../planning/refusal.ts';

/**
 * True when z/VM has a port as the historic agent leaves one that is administratively down, and as nothing else does by itself: the directory
 * statement names no VSWITCH and no NIC is coupled, while the record says nothing of it (docs/reference/xcat.md 6.1).
 */
export function looksDown({ adminStateUp, vdev, vswitch }: RecordedPort, { directory, live }: GuestState): boolean {
  if (!adminStateUp || vdev === undefined || vswitch === undefined) return false;
  const nicdef = directory.find((nic) => nic.vdev === vdev);
  const isCoupled = live.some((nic) => nic.vdev === vdev && nic.vswitch !== undefined);
  return nicdef !== undefined && nicdef.vswitch === undefined && !isCoupled;
}

/** The reason why such a port stays unchanged, and the commands by which an operator sets its admin state. */
export function confirmAdminState(userid: string, { portId, vdev }: RecordedPort): Refusal {
  const reason = `port ${portId} is recorded as up, but NIC ${vdev} of ${userid} is that of a port that is administratively down: not coupled, and without a VSWITCH in the directory`;
  return refusal(
    'adminStateUp',
    reason,
    `set the admin state: zvmnet port down ${portId}, or zvmnet port up ${portId}`,
  );
}
