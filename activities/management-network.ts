import { refuseIncapable } from '../backend/capabilities.ts';
import { defined } from '../domain/defined.ts';
import { planManagementNetwork } from '../domain/host/management-network.ts';
import type { ManagementPlan } from '../workflows/host-activities.ts';
import { refuse } from './failures.ts';
import type { HostRuntime } from './host-runtime.ts';

/** Plan the management network. Throws a `Refused` failure when it must not be, a BackendError when it cannot be read. */
export async function planManagement({ backend, rules }: HostRuntime, signal: AbortSignal): Promise<ManagementPlan> {
  const [state, vswitches] = await Promise.all([backend.readManagementNode(signal), backend.readVswitches(signal)]);
  const { steps, refusals } = planManagementNetwork(state, vswitches, rules);
  refuse([...refusals, ...refuseIncapable(backend, steps)]);
  return { steps, ...defined({ elsewhere: state.elsewhere }) };
}
