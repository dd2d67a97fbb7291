import { stepId } from '../planning/step-id.ts';
import type { Step } from '../planning/steps.ts';
import type { Userid } from '../text/identifiers.ts';

const OF_THE_DIRECTORY: readonly Step['kind'][] = ['ensureDirectoryNic', 'removeDirectoryNic'];

/** Steps that no reading shows as missing, each once: one that may not have been carried out goes into the next plan. */
export function followUpsOf(steps: readonly Step[]): Step[] {
  const unseen = steps.filter(
    (step) => step.kind === 'ensureDirectoryOnline' || (step.kind === 'record' && step.isUnseen),
  );
  return [...new Map(unseen.map((step) => [stepId(step), step])).values()];
}

/** The plan with a directory put online after its changes, and with the pending follow-ups of earlier plans. */
export function withFollowUps(
  steps: readonly Step[],
  userid: Userid,
  { directoryOnline }: { directoryOnline: boolean },
  pending: readonly Step[],
): Step[] {
  const known = new Set(steps.map(stepId));
  const online: Step = { kind: 'ensureDirectoryOnline', userid, disturbs: false };
  const all = [...pending.filter((step) => step.kind !== online.kind && !known.has(stepId(step))), ...steps];
  const last = all.findLastIndex((step) => OF_THE_DIRECTORY.includes(step.kind));
  if (!directoryOnline || (last < 0 && !pending.some((step) => step.kind === online.kind))) return all;
  return all.toSpliced(last + 1, 0, online);
}
