import type { Nicdef, NicdefAuthorization } from '../../../domain/guest/guest.ts';
import type { Step } from '../../../domain/planning/steps.ts';
import type { Vdev } from '../../../domain/port/vdev.ts';
import type { WrittenBehaviour } from '../reading/capability-reading.ts';
import { isDefinedAs } from '../zhcp/nicdef.ts';

/** A step on the directory entry of a guest. */
export type DirectoryStep = Extract<Step, { kind: 'ensureDirectoryNic' | 'removeDirectoryNic' }>;

/** Knowledge of how a host's directory is written; an absent answer is not known. `dna`: z/VM has directory network authorization. */
export type Writing = WrittenBehaviour & { dna: boolean };

/** Directory steps that are carried out by one function of SMAPI. */
export type Group = {
  /** `keywords`: Image_Definition_Update_DM, whose keywords are cheap and not all known; `replace`: Image_Replace_DM, which takes any statement. */
  way: 'remove' | 'keywords' | 'replace';
  steps: readonly DirectoryStep[];
  /** Nobody knows yet that the host takes it so: the entry is read back, and decides. */
  onTrial: boolean;
};

/** True for a step on the directory entry. */
export function isOnDirectory(step: Step): step is DirectoryStep {
  return step.kind === 'ensureDirectoryNic' || step.kind === 'removeDirectoryNic';
}

/**
 * Consecutive directory steps of one guest as few changes of its entry: one replacement where only that is known to do, otherwise a removal
 * for each NIC that goes, and one call for all that come.
 */
export function groupsOf(run: readonly DirectoryStep[], writing: Writing): Group[] {
  if (isForReplacement(run, writing)) return [{ way: 'replace', steps: run, onTrial: false }];
  const groups: { way: 'remove' | 'keywords'; steps: DirectoryStep[] }[] = [];
  for (const step of run) {
    const last = groups.at(-1);
    const way = step.kind === 'removeDirectoryNic' ? 'remove' : 'keywords';
    const joins = way === 'keywords' && last?.way === way && writing.nicdefsAtOnce !== 'firstOnly';
    if (joins) last.steps.push(step);
    else groups.push({ way, steps: [step] });
  }
  return groups.map((group) => ({ ...group, onTrial: group.way === 'keywords' && isOnTrial(group.steps, writing) }));
}

/** Operands that Image_Definition_Update_DM may not take ask for a replacement; so do removals where it is known to work, being one change then. */
function isForReplacement(run: readonly DirectoryStep[], { nicdefWrite, nicdefsAtOnce, dna }: Writing): boolean {
  if (nicdefWrite !== 'replace') return false;
  if (run.some((step) => asksForOperands(step, dna))) return true;
  const removes = run.some((step) => step.kind === 'removeDirectoryNic');
  return run.length > 1 && (removes || nicdefsAtOnce === 'firstOnly');
}

function isOnTrial(steps: readonly DirectoryStep[], { nicdefWrite, nicdefsAtOnce, dna }: Writing): boolean {
  if (steps.length > 1 && nicdefsAtOnce === undefined) return true;
  return nicdefWrite === undefined && steps.some((step) => asksForOperands(step, dna));
}

/** True for a NIC with operands of directory network authorization. Without that, a port number is written as ever: there is no better way. */
export function asksForOperands(step: Step, dna: boolean): boolean {
  if (step.kind !== 'ensureDirectoryNic') return false;
  const { authorization, portNumber } = step;
  return (authorization !== undefined && says(authorization)) || (dna && portNumber !== undefined);
}

function says({ vlans = [], portType, promiscuous, priority }: NicdefAuthorization): boolean {
  return vlans.length > 0 || portType !== undefined || promiscuous !== undefined || priority !== undefined;
}

/** The steps of a group that the entry shows carried out, and the others. */
export function shownIn(
  entry: readonly Nicdef[],
  steps: readonly DirectoryStep[],
): { done: DirectoryStep[]; left: DirectoryStep[] } {
  const isDone = (step: DirectoryStep) => {
    const nic = nicAt(entry, step.vdev);
    return step.kind === 'removeDirectoryNic' ? nic === undefined : isDefinedAs(nic, step);
  };
  return { done: steps.filter(isDone), left: steps.filter((step) => !isDone(step)) };
}

/**
 * The way of writing that an entry shows after SMAPI has said that all steps are done: what it has taught of the host, or undefined when it
 * tells nothing.
 */
export function taughtBy(
  entry: readonly Nicdef[],
  steps: readonly DirectoryStep[],
  dna: boolean,
): WrittenBehaviour | undefined {
  const { done, left } = shownIn(entry, steps);
  const [first] = steps;
  // A NIC that is there without what was asked for: the keywords are passed over in silence.
  if (left.some((step) => asksForOperands(step, dna) && nicAt(entry, step.vdev) !== undefined))
    return { nicdefWrite: 'replace' };
  const several: WrittenBehaviour =
    steps.length === 1 ? {} : { nicdefsAtOnce: left.length === 0 ? 'sequence' : 'firstOnly' };
  const keywords: WrittenBehaviour = done.some((step) => asksForOperands(step, dna)) ? { nicdefWrite: 'keywords' } : {};
  const isUnderstood = left.length === 0 || (steps.length > 1 && first !== undefined && done.includes(first));
  return isUnderstood ? { ...several, ...keywords } : undefined;
}

function nicAt(entry: readonly Nicdef[], vdev: Vdev): Nicdef | undefined {
  return entry.find((nic) => nic.vdev === vdev && nic.profile === undefined);
}
