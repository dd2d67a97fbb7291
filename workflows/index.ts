import { setWorkflowOptions } from '@temporalio/workflow';
import { followNeutron } from './follow-neutron.ts';
import { hostControl } from './host-control.ts';
import { followEvents, notify } from './notify.ts';
import { reconcileFleet } from './reconcile-fleet.ts';
import { probeWorker, showGuest, showHost } from './show.ts';

export { convergeGuest } from './converge-guest.ts';
export { ensureDhcp } from './ensure-dhcp.ts';
export { ensureManagementNetwork } from './ensure-management-network.ts';
export { migrateHost } from './migrate-host.ts';
export * from './port-operations.ts';
export { probeHost } from './probe-host.ts';
export { reconcileHost } from './reconcile-host.ts';
export { restorePorts } from './restore-ports.ts';
export { listVswitches } from './show.ts';
export { deleteVswitch, ensureVswitch } from './vswitch-operation.ts';
export { wirePorts } from './wire-ports.ts';
export { followEvents, followNeutron, hostControl, notify, probeWorker, reconcileFleet, showGuest, showHost };

// Runs without an end, deliveries, and what is about several hosts or builds go on with the newest build. All others keep to the build that they began with.
const newestBuild = { versioningBehavior: 'AUTO_UPGRADE' } as const;
setWorkflowOptions(newestBuild, followEvents);
setWorkflowOptions(newestBuild, followNeutron);
setWorkflowOptions(newestBuild, hostControl);
setWorkflowOptions(newestBuild, notify);
setWorkflowOptions(newestBuild, reconcileFleet);
setWorkflowOptions(newestBuild, probeWorker);
