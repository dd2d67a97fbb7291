import { setWorkflowOptions } from '@temporalio/workflow';
import { followNeutron } from './follow-neutron.ts';
import { reconcileFleet } from './reconcile-fleet.ts';
import { reconcileHost } from './reconcile-host.ts';
import { probeWorker, showGuest, showHost } from './show.ts';

export { attachNic } from './attach-nic.ts';
export { changeVlan } from './change-vlan.ts';
export { convergeGuest } from './converge-guest.ts';
export { createPort } from './create-port.ts';
export { deletePort } from './delete-port.ts';
export { deleteVswitch } from './delete-vswitch.ts';
export { detachNic } from './detach-nic.ts';
export { ensureDhcp } from './ensure-dhcp.ts';
export { ensureManagementNetwork } from './ensure-management-network.ts';
export { ensureVswitch } from './ensure-vswitch.ts';
export { listVswitches } from './list-vswitches.ts';
export { setAdminState } from './set-admin-state.ts';
export { wirePorts } from './wire-ports.ts';
export { followNeutron, probeWorker, reconcileFleet, reconcileHost, showGuest, showHost };

// Runs without an end, and those that Schedules start, go on with the newest build. All others keep to the build that they began with.
const newestBuild = { versioningBehavior: 'AUTO_UPGRADE' } as const;
setWorkflowOptions(newestBuild, followNeutron);
setWorkflowOptions(newestBuild, reconcileFleet);
setWorkflowOptions(newestBuild, reconcileHost);
setWorkflowOptions(newestBuild, probeWorker);
