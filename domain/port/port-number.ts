import { z } from 'zod';
import { fnv1a } from '../text/fnv1a.ts';
import type { VswitchName } from '../text/identifiers.ts';

/** Ports of a VSWITCH: 1 to 2048 (docs/reference/zvm.md 1.5). */
const HIGHEST = 2048;

/** Number of a port of a port-based VSWITCH: what VLANs belong to there, and what a NIC couples to. */
export const PortNumber = z.number().int().min(1).max(HIGHEST);
export type PortNumber = z.infer<typeof PortNumber>;

/** A port of a port-based VSWITCH. */
export type VswitchPort = { vswitch: VswitchName; portNumber: PortNumber };

/**
 * A free port number for a port without one. The search begins where the port id says, so that two guests that are wired at the same time
 * look in different places. Undefined when the VSWITCH is full.
 */
export function allocatePortNumber(
  portId: string,
  isTaken: (portNumber: PortNumber) => boolean,
): PortNumber | undefined {
  const start = fnv1a(portId) % HIGHEST;
  for (let offset = 0; offset < HIGHEST; offset += 1) {
    const candidate = ((start + offset) % HIGHEST) + 1;
    if (!isTaken(candidate)) return candidate;
  }
  return undefined;
}
