import type { GuestState, LiveNic, Nicdef } from '../guest/guest.ts';
import type { Vdev } from '../port/vdev.ts';

/** The guest's NICs, in the directory or live, that are neither recorded nor desired: an administrator's, never touched. */
export function foreignNics(
  guest: Pick<GuestState, 'recorded' | 'directory' | 'live'>,
  ports: readonly { vdev: Vdev }[],
): (Nicdef | LiveNic)[] {
  const ours = new Set([...guest.recorded.flatMap((port) => port.vdev ?? []), ...ports.map((port) => port.vdev)]);
  return [...guest.directory, ...guest.live].filter((nic) => !ours.has(nic.vdev));
}
