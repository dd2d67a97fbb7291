import type { PortId, VswitchName } from './identifiers.ts';
import type { Port } from './port.ts';

/**
 * What a running guest should have of a port: the NIC defined (`present`), not defined (`absent`), or whatever it has now, but right
 * (`asIs`). A guest that is logged off gets every port at its next logon from the directory, whatever this says.
 */
export type Liveness = 'present' | 'absent' | 'asIs';

export type DesiredPort = Port & { live: Liveness };

/** What a guest's network should be. Recorded ports that are named in neither list are left as they are. */
export type Desired = {
  ports: readonly DesiredPort[];
  /** Ports to undo completely. `keepRow` leaves the row of the `switch` table as Nova wrote it, unwired. */
  removed: readonly { portId: PortId; keepRow: boolean }[];
  /** VSWITCHes whose authorisation was there before any port of ours: never revoked. */
  keepAuthorised: readonly VswitchName[];
  /** VSWITCHes that ports move away from: the authorisation goes unless something of the guest still needs it. */
  leaving: readonly VswitchName[];
};
