import { defined } from '../../../domain/defined.ts';
import type { Step } from '../../../domain/planning/steps.ts';
import type { Userid } from '../../../domain/text/identifiers.ts';
import type { Command } from '../zhcp/channel.ts';
import * as smcli from '../zhcp/smcli.ts';
import { type DirectoryStep, type Group, groupsOf, isOnDirectory, type Writing } from './directory-writing.ts';
import { commandFor } from './step-commands.ts';

/** Steps of a guest that one command carries out. Those on the entry of a userid are a group; a replacement has no command yet. */
export type Unit =
  | { steps: readonly Step[]; command: Command; group?: undefined }
  | { steps: readonly DirectoryStep[]; command?: Command; group: Group; userid: Userid };

/** The units of steps, in order; consecutive steps on one directory entry are joined. Throws a BackendError that names the step that cannot be said. */
export function unitsOf(steps: readonly Step[], zhcpUserid: Userid, writing: Writing): Unit[] {
  const units: Unit[] = [];
  let run: DirectoryStep[] = [];
  const close = () => {
    units.push(...groupsOf(run, writing).map((group) => unitOf(group, zhcpUserid)));
    run = [];
  };
  for (const step of steps) {
    if (!isOnDirectory(step) || run.some(({ userid }) => userid !== step.userid)) close();
    if (isOnDirectory(step)) run.push(step);
    else units.push({ steps: [step], command: commandFor(step, zhcpUserid) });
  }
  close();
  return units;
}

function unitOf(group: Group, zhcpUserid: Userid): Unit {
  const { way, steps } = group;
  const [first] = steps;
  if (first === undefined) throw new Error('a group of steps is empty');
  const { userid } = first;
  // A value that cannot be said is refused before anything is sent.
  const commands = steps.map((step) => commandFor(step, zhcpUserid));
  if (way === 'replace') return { steps, group, userid };
  const nics = steps.flatMap((step) => (step.kind === 'ensureDirectoryNic' ? [step] : []));
  const [alone] = nics.length > 1 ? [smcli.defineNicsInDirectory(userid, nics)] : commands;
  return { steps, group, userid, ...defined({ command: alone }) };
}
