import { refuseIncapable } from '../backend/capabilities.ts';
import { defined } from '../domain/defined.ts';
import { planManagementNetwork } from '../domain/host/management-network.ts';
import type { PolicyQuestion } from '../domain/policy/verdict.ts';
import type { ManagementPlan } from '../workflows/host-activities.ts';
import { refuse } from './failures.ts';
import type { HostRuntime } from './host-runtime.ts';
import { concernedOfManagement, waitFor } from './policy-gate.ts';
import { planIdOf } from './state-tags.ts';

/** Plan the management network. Throws a `Refused` failure when it must not be, a BackendError when it cannot be read. */
export async function planManagement(
  host: HostRuntime,
  asks: PolicyQuestion | undefined,
  signal: AbortSignal,
): Promise<ManagementPlan> {
  const { backend, rules } = host;
  const [state, vswitches] = await Promise.all([backend.readManagementNode(signal), backend.readVswitches(signal)]);
  const { steps, refusals } = planManagementNetwork(state, vswitches, rules);
  refuse([...refusals, ...refuseIncapable(backend, steps)]);
  const plan = planIdOf(steps);
  const wait = steps.length === 0 ? undefined : waitFor(host, plan, concernedOfManagement(steps), asks);
  return { steps, plan, ...defined({ elsewhere: state.elsewhere, wait }) };
}
