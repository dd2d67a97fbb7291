import { type Refusal, refusal } from '../planning/refusal.ts';
import { type DeviceRange, devicesOverlap, nicDevices, type Vdev } from '../port/vdev.ts';
import type { DesiredPort } from './desired.ts';
import type { GuestState } from './guest.ts';

/** Every device number of the guest that is taken, or that a port is to have: of what, where it has a name of its own. */
export function takenDevices(guest: GuestState, ports: readonly { vdev: Vdev }[]): DeviceRange[] {
  const nics = [...ports, ...guest.recorded, ...guest.directory, ...guest.live].flatMap((nic) => nic.vdev ?? []);
  // The range that says more of a device comes first: it is named.
  return [...(guest.devices ?? []), ...[...new Set(nics)].map((vdev) => nicDevices(vdev))];
}

/** Why a NIC cannot be where something else is. */
export function refuseOverlap(field: string, vdev: Vdev, by: DeviceRange, { userid }: GuestState): Refusal {
  const reason = `NIC ${vdev} takes three devices and overlaps ${by.what} of ${userid}`;
  return refusal(field, reason, 'choose another vdev, or leave it out');
}

/** A port whose NIC has yet to be defined where something else is. */
export type BlockedPort = { port: DesiredPort; by: DeviceRange };

/** The ports that no step can give their NIC, since its device numbers are taken: whoever tried would only be refused by z/VM. */
export function blockedPorts(ports: readonly DesiredPort[], guest: GuestState): BlockedPort[] {
  const others = [...(guest.devices ?? []), ...[...guest.directory, ...guest.live].map(({ vdev }) => nicDevices(vdev))];
  return ports.flatMap((port) => {
    const isThere = (nics: readonly { vdev: Vdev; profile?: string }[]) =>
      nics.some(({ vdev, profile }) => vdev === port.vdev && profile === undefined);
    const wantedLive = guest.loggedOn && port.live === 'present';
    if (isThere(guest.directory) && (!wantedLive || isThere(guest.live))) return [];
    const devices = nicDevices(port.vdev);
    const by = others.find((other) => other.nic !== port.vdev && devicesOverlap(devices, other));
    return by === undefined ? [] : [{ port, by }];
  });
}
