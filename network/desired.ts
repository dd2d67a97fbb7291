import { z } from 'zod';
import { PortId, VswitchName } from './identifiers.ts';
import { Port } from './port.ts';

/**
 * What a running guest should have of a port: the NIC defined (`present`), not defined (`absent`), or whatever it has now, but right
 * (`asIs`). A guest that is logged off gets every port at its next logon from the directory, whatever this says.
 */
export const Liveness = z.enum(['present', 'absent', 'asIs']);
export type Liveness = z.infer<typeof Liveness>;

export const DesiredPort = Port.extend({ live: Liveness });
export type DesiredPort = z.infer<typeof DesiredPort>;

/** What a guest's network should be. Recorded ports that are named in neither list are left as they are. */
export const Desired = z.object({
  ports: z.array(DesiredPort).readonly(),
  /** Ports to undo completely. `keepRow` leaves the row of the `switch` table as Nova wrote it, unwired. */
  removed: z.array(z.object({ portId: PortId, keepRow: z.boolean() })).readonly(),
  /** VSWITCHes whose authorisation was there before any port of ours: never revoked. */
  keepAuthorised: z.array(VswitchName).readonly(),
  /** VSWITCHes that ports move away from: the authorisation goes unless something of the guest still needs it. */
  leaving: z.array(VswitchName).readonly(),
});
export type Desired = z.infer<typeof Desired>;
