import { type Refusal, refusal } from '../planning/refusal.ts';
import { type DeviceRange, devicesOverlap, nicDevices, type Vdev } from '../port/vdev.ts';
import type { DesiredPort } from './desired.ts';
import { type GuestState, type Nicdef, standsInEntry } from './guest.ts';

/** Every device number of the guest that is taken or desired, with the name of its device. */
export function takenDevices(guest: GuestState, ports: readonly { vdev: Vdev }[]): DeviceRange[] {
  const nics = [...ports, ...guest.recorded, ...guest.directory, ...guest.live].flatMap((nic) => nic.vdev ?? []);
  // The range with the better name of a device comes first: messages use it.
  return [...(guest.devices ?? []), ...[...new Set(nics)].map((vdev) => nicDevices(vdev))];
}

/** The refusal of a NIC whose devices are taken. */
export function refuseOverlap(field: string, vdev: Vdev, by: DeviceRange, { userid }: GuestState): Refusal {
  const reason = `NIC ${vdev} takes three devices and overlaps ${by.what} of ${userid}`;
  return refusal(field, reason, 'choose another vdev, or leave it out');
}

/** A port whose NIC is not defined yet, and whose devices are taken. */
export type BlockedPort = { port: DesiredPort; by: DeviceRange };

/** The ports whose NIC no step can define, since its device numbers are taken: z/VM would refuse it. */
export function blockedPorts(ports: readonly DesiredPort[], guest: GuestState): BlockedPort[] {
  const others = [...(guest.devices ?? []), ...[...guest.directory, ...guest.live].map(({ vdev }) => nicDevices(vdev))];
  return ports.flatMap((port) => {
    const isThere = (nics: readonly Pick<Nicdef, 'vdev' | 'profile' | 'subconfig'>[]) =>
      nics.some((nic) => nic.vdev === port.vdev && standsInEntry(nic));
    const wantedLive = guest.loggedOn && port.live === 'present';
    if (isThere(guest.directory) && (!wantedLive || isThere(guest.live))) return [];
    const devices = nicDevices(port.vdev);
    const by = others.find((other) => other.nic !== port.vdev && devicesOverlap(devices, other));
    return by === undefined ? [] : [{ port, by }];
  });
}
