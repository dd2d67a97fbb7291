import type { Step } from '../planning/steps.ts';
import type { Userid } from '../text/identifiers.ts';

/**
 * A step that has to follow a change and cannot be seen missing afterwards: names in the management node's hosts file, a directory put online.
 * One that was not carried out goes into the next plan.
 */
export type FollowUp = 'ensureNames' | 'ensureDirectoryOnline';

const CAUSE: Record<FollowUp, readonly Step['kind'][]> = {
  ensureNames: ['ensureAddresses'],
  ensureDirectoryOnline: ['ensureDirectoryNic', 'removeDirectoryNic'],
};

/** The plan with the follow-ups of its steps and the pending follow-ups of earlier plans. */
export function withFollowUps(
  steps: readonly Step[],
  userid: Userid,
  { directoryOnline }: { directoryOnline: boolean },
  pending: readonly FollowUp[],
): Step[] {
  const named = steps.flatMap((step): Step[] => (step.kind === 'ensureAddresses' ? [step, NAMES] : [step]));
  if (pending.includes('ensureNames') && !named.includes(NAMES)) named.unshift(NAMES);
  if (!directoryOnline) return named;
  const last = named.findLastIndex((step) => CAUSE.ensureDirectoryOnline.includes(step.kind));
  if (last < 0 && !pending.includes('ensureDirectoryOnline')) return named;
  return named.toSpliced(last + 1, 0, { kind: 'ensureDirectoryOnline', userid, disturbs: false });
}

/** The follow-ups of steps with an unknown outcome. */
export function followUpsAfter(steps: readonly Step[]): FollowUp[] {
  const kinds = new Set<string>(steps.map((step) => step.kind));
  return (Object.keys(CAUSE) as FollowUp[]).filter((followUp) => kinds.has(followUp));
}

const NAMES: Step = { kind: 'ensureNames', disturbs: false };
