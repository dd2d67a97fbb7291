import { z } from 'zod';

/** A QDIO NIC takes three consecutive devices: vdev, vdev + 1, vdev + 2 (contract xcat.md 5.2). */
export const DEVICES_PER_NIC = 3;
const HIGHEST_VDEV = 0xffff - (DEVICES_PER_NIC - 1);

/** Virtual device number of a NIC: hex text of four digits in upper case, `1000`; the first of three devices. */
export const Vdev = z
  .string()
  .transform((text) => text.trim().toUpperCase())
  .pipe(z.string().regex(/^[0-9A-F]{1,4}$/, 'must be a virtual device number: 1 to 4 hex digits'))
  .transform((text) => text.padStart(4, '0'))
  .refine((text) => Number.parseInt(text, 16) <= HIGHEST_VDEV, 'must leave room for three devices: at most FFFD')
  .brand<'Vdev'>();
export type Vdev = z.infer<typeof Vdev>;

/** The number behind a vdev. */
export function vdevNumber(vdev: Vdev): number {
  return Number.parseInt(vdev, 16);
}

/** Vdev from a number. Throws a ZodError outside 0–FFFD. */
function vdevFromNumber(value: number): Vdev {
  return Vdev.parse(value.toString(16));
}

/** True when the three devices of the two NICs have one in common. */
export function vdevsOverlap(one: Vdev, other: Vdev): boolean {
  return Math.abs(vdevNumber(one) - vdevNumber(other)) < DEVICES_PER_NIC;
}

/**
 * Choose the lowest vdev from `first` on, in steps of three as Nova's z/VM driver counts (1000, 1003, 1006 …), whose devices are all free.
 * Undefined when the range is used up.
 */
export function allocateVdev(first: Vdev, taken: readonly Vdev[]): Vdev | undefined {
  for (let candidate = vdevNumber(first); candidate <= HIGHEST_VDEV; candidate += DEVICES_PER_NIC) {
    const vdev = vdevFromNumber(candidate);
    if (!taken.some((other) => vdevsOverlap(vdev, other))) return vdev;
  }
  return undefined;
}
