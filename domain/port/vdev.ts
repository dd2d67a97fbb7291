import { z } from 'zod';

/** A QDIO NIC takes three consecutive devices: vdev, vdev + 1, vdev + 2 (docs/reference/zvm.md 1.2). */
export const DEVICES_PER_NIC = 3;
const HIGHEST_VDEV = 0xffff - (DEVICES_PER_NIC - 1);

/** Virtual device number of a NIC: hex text of four digits in upper case, `1000`; the first of three devices. */
export const Vdev = z
  .string()
  .regex(
    /^[ \t\r\n]*(?![fF]{3}[eEfF])[0-9a-fA-F]{1,4}[ \t\r\n]*$/,
    'must be a virtual device number of 1 to 4 hex digits that leaves room for three devices: at most FFFD',
  )
  .transform((text) => text.trim().toUpperCase().padStart(4, '0'))
  .brand<'Vdev'>()
  .meta({ description: 'First of the three virtual devices of a NIC, hex; default: free ones', example: '1000' });
export type Vdev = z.infer<typeof Vdev>;

/** The number behind a vdev. */
export function vdevNumber(vdev: Vdev): number {
  return Number.parseInt(vdev, 16);
}

/** Vdev from a number. Throws a ZodError outside 0–FFFD. */
function vdevFromNumber(value: number): Vdev {
  return Vdev.parse(value.toString(16));
}

/** Consecutive device numbers of a guest that something takes, and its name as an operator knows it: `MDISK 0100`. */
export type DeviceRange = {
  first: number;
  count: number;
  what: string;
  /** The NIC that it is, where it is one that a port may have. */
  nic?: Vdev;
};

/** The devices of a NIC: three, unless it was defined with more. */
export function nicDevices(vdev: Vdev, count = DEVICES_PER_NIC): DeviceRange {
  const what = count === DEVICES_PER_NIC ? `NIC ${vdev}` : `NIC ${vdev} (${count} devices)`;
  return { first: vdevNumber(vdev), count, what, nic: vdev };
}

/** True when the two have a device number in common. */
export function devicesOverlap(one: DeviceRange, other: DeviceRange): boolean {
  return one.first < other.first + other.count && other.first < one.first + one.count;
}

/**
 * Choose the lowest vdev from `first` on, in steps of three as Nova's z/VM driver counts (1000, 1003, 1006 …), whose devices are all free.
 * Undefined when the range is used up.
 */
export function allocateVdev(first: Vdev, taken: readonly DeviceRange[]): Vdev | undefined {
  for (let candidate = vdevNumber(first); candidate <= HIGHEST_VDEV; candidate += DEVICES_PER_NIC) {
    const vdev = vdevFromNumber(candidate);
    const devices = nicDevices(vdev);
    if (!taken.some((other) => devicesOverlap(devices, other))) return vdev;
  }
  return undefined;
}
