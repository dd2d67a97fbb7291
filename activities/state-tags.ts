import { createHash } from 'node:crypto';
import { type ShownGuest, type StateTags, shownPort } from '../domain/host/host-view.ts';
import type { Preconditions } from '../domain/operations/requests.ts';
import { type Refusal, refusal } from '../domain/planning/refusal.ts';

/** The same for two plans only when they are the same steps from the same state, where that is given. */
export function planIdOf(steps: readonly object[], basis?: object): string {
  return digest(basis === undefined ? steps : [steps, basis]);
}

/** Tags of a guest and its ports: others as soon as anything else would be shown. */
export function stateTagsOf(guest: Omit<ShownGuest, 'tags'>): StateTags {
  const ports = guest.record.map(({ portId }) => [portId, digest(shownPort(guest, portId))]);
  return { guest: digest(guest), ports: Object.fromEntries(ports) };
}

/** Refused when the guest, or the port that is meant, is not as the request's sender has read it. */
export function refuseOtherState(state: Preconditions['state'], shown: () => ShownGuest): Refusal[] {
  if (state === undefined || tagNow(shown(), state.portId) === state.tag) return [];
  const what = state.portId === undefined ? 'the guest' : `port ${state.portId}`;
  return [
    refusal(
      'onlyIf.state',
      `${what} has changed since it was read`,
      'read it again, then repeat the request if it is still wanted',
    ),
  ];
}

/** The refusal when the present plan differs from the plan of the dry run. */
export function refuseOtherPlan(plan: Preconditions['plan'], now: string): Refusal[] {
  if (plan === undefined || plan === now) return [];
  return [refusal('onlyIf.plan', 'the plan has changed since the dry run', 'make a dry run again')];
}

function tagNow({ tags }: ShownGuest, portId: string | undefined): string | null {
  return portId === undefined ? tags.guest : (tags.ports[portId] ?? null);
}

function digest(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, 32);
}
