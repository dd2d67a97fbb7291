import { type Nicdef, standsInEntry } from '../../../domain/guest/guest.ts';
import type { NicdefKeyword } from '../../../domain/host/probed-behaviour.ts';
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
  if (run.some((step) => keywordsOf(step, dna).length > 0)) return true;
  const removes = run.some((step) => step.kind === 'removeDirectoryNic');
  return run.length > 1 && (removes || nicdefsAtOnce === 'firstOnly');
}

function isOnTrial(
  steps: readonly DirectoryStep[],
  { nicdefWrite, nicdefKeywords, nicdefsAtOnce, dna }: Writing,
): boolean {
  if (steps.length > 1 && nicdefsAtOnce === undefined) return true;
  const asked = steps.flatMap((step) => keywordsOf(step, dna));
  if (nicdefWrite === undefined) return asked.length > 0;
  return nicdefKeywords !== undefined && asked.some((keyword) => !nicdefKeywords.includes(keyword));
}

/**
 * The operands of directory network authorization that a step asks for. Where there is no such authorization a port number is written as
 * ever: there is no better way.
 */
export function keywordsOf(step: Step, dna: boolean): NicdefKeyword[] {
  if (step.kind !== 'ensureDirectoryNic') return [];
  const { authorization: { vlans = [], portType, promiscuous, priority } = {}, portNumber } = step;
  return [
    ...(vlans.length > 0 ? (['VLAN'] as const) : []),
    ...(portType === undefined ? [] : (['PORTTYPE'] as const)),
    ...(promiscuous === undefined ? [] : (['PROMISCUOUS'] as const)),
    ...(priority === undefined ? [] : (['PQUPLINKTX'] as const)),
    ...(dna && portNumber !== undefined ? (['PORTNUMBER'] as const) : []),
  ];
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
 * tells nothing. The keywords are those of these steps alone.
 */
export function taughtBy(
  entry: readonly Nicdef[],
  steps: readonly DirectoryStep[],
  dna: boolean,
): WrittenBehaviour | undefined {
  const { done, left } = shownIn(entry, steps);
  const [first] = steps;
  // A NIC that is there without what was asked for: the keywords are passed over in silence.
  if (left.some((step) => keywordsOf(step, dna).length > 0 && nicAt(entry, step.vdev) !== undefined))
    return { nicdefWrite: 'replace' };
  const isUnderstood = left.length === 0 || (steps.length > 1 && first !== undefined && done.includes(first));
  if (!isUnderstood) return undefined;
  const nicdefKeywords = [...new Set(done.flatMap((step) => keywordsOf(step, dna)))];
  return {
    ...(steps.length === 1 ? {} : { nicdefsAtOnce: left.length === 0 ? 'sequence' : 'firstOnly' }),
    ...(nicdefKeywords.length === 0 ? {} : { nicdefWrite: 'keywords', nicdefKeywords }),
  };
}

function nicAt(entry: readonly Nicdef[], vdev: Vdev): Nicdef | undefined {
  return entry.find((nic) => nic.vdev === vdev && standsInEntry(nic));
}
