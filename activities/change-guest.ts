import type { Cancellation, ZvmBackend } from '../backend/backend.ts';
import type { HostActivities, PlannedChange } from '../workflows/host-activities.ts';
import { withDetail } from './apply-steps.ts';
import { asActivityFailure } from './failures.ts';
import type { GuestActivities } from './guest-activities.ts';
import type { Stage } from './windows.ts';

type ChangeGuest = HostActivities['changeGuest'];

/**
 * Plan a change of a guest and carry it out, unless the policy has it wait. Temporal keeps the plan before the first step, so that the state before it outlives this worker; a
 * failure carries it too. `begin` runs the steps as long as the operation is open.
 */
export async function changeGuest(
  guests: Pick<GuestActivities, 'planChange' | 'applySteps'>,
  backend: ZvmBackend,
  input: Parameters<ChangeGuest>[0],
  cancellation: Cancellation,
  keep: (begun: { planned: PlannedChange }) => Promise<void>,
  arrive: (stage: Stage) => Promise<void>,
  begin: <Result>(work: (stop: AbortSignal) => Promise<Result>) => Promise<Result>,
): ReturnType<ChangeGuest> {
  const planned = await guests.planChange(input, cancellation.stop);
  if (planned.kind !== 'planned' || planned.steps.length === 0 || planned.wait !== undefined) return planned;
  const { desired, steps, readAt } = planned;
  await keep({ planned });
  try {
    await arrive('apply');
    const target = { ...input, desired, steps, readAt };
    const applied = await begin((stop) => guests.applySteps(target, backend, { ...cancellation, stop }, arrive));
    return { ...planned, applied };
  } catch (error) {
    // Temporal takes no details from a worker that stops, but a result.
    if (cancellation.leave.aborted) return { ...planned, applied: 'unheard' };
    throw withDetail(asActivityFailure(error), { planned });
  }
}
