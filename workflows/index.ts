export { attachNic } from './attach-nic.ts';
export { changeVlan } from './change-vlan.ts';
export { convergeGuest } from './converge-guest.ts';
export { createPort } from './create-port.ts';
export { deletePort } from './delete-port.ts';
export { detachNic } from './detach-nic.ts';
export { setAdminState } from './set-admin-state.ts';
export { wirePorts } from './wire-ports.ts';
