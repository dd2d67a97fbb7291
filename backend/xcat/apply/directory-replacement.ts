import type { Nicdef } from '../../../domain/guest/guest.ts';
import { type Step, sentence } from '../../../domain/planning/steps.ts';
import type { Vdev } from '../../../domain/port/vdev.ts';
import { BackendError } from '../../backend-error.ts';
import type { Entry } from '../reading/entry-reading.ts';
import type { Command, CommandOutcome } from '../zhcp/channel.ts';
import { editedEntry, nicdefStatement } from '../zhcp/entry-form.ts';
import { LOCK_KEPT, REPLACEMENT, replaceEntry } from '../zhcp/entry-replacement.ts';
import { isDefinedAs } from '../zhcp/nicdef.ts';
import type { DirectoryStep } from './directory-writing.ts';
import { namesOf } from './step-failure.ts';

/** The command that makes the entry as the steps want it; undefined when it is so. `already` are steps that change nothing. */
export type Replacement = { command?: Command; already: readonly DirectoryStep[] };

/**
 * The replacement of an entry for steps. A NIC that no step has removed is not written over, unless it is one of `written`, by a step of the
 * same plan before. Throws a transient BackendError that names the step when there is such a one: the plan was made for another entry.
 */
export function replacementOf(
  { nics, form }: Entry,
  steps: readonly DirectoryStep[],
  written: ReadonlySet<Vdev>,
): Replacement {
  const now = new Map(nics.map((nic): [Vdev, Nicdef] => [nic.vdev, nic]));
  const edit = new Map<Vdev, string | undefined>();
  const already: DirectoryStep[] = [];
  for (const step of steps) {
    const { vdev } = step;
    const nic = now.get(vdev);
    if (step.kind === 'removeDirectoryNic') {
      if (nic === undefined) already.push(step);
      else edit.set(vdev, undefined);
      now.delete(vdev);
    } else if (isDefinedAs(nic, step)) already.push(step);
    else if (nic === undefined || written.has(vdev)) edit.set(vdev, nicdefStatement(step));
    else throw taken(step);
  }
  const [first] = steps;
  if (edit.size === 0 || first === undefined) return { already };
  return { command: replaceEntry(first.userid, form, editedEntry(form, edit)), already };
}

function taken(step: DirectoryStep): BackendError {
  const operation = sentence(step);
  const message = `${operation}: the directory entry has another NIC of this number meanwhile`;
  return new BackendError({ code: 'conflict', operation, message, advice: 'try again' });
}

/** True when the entry was not in the form that its edit was made for. */
export function isChanged(outcome: CommandOutcome | undefined): boolean {
  return outcome?.ran === true && outcome.exitStatus === REPLACEMENT.changed;
}

/** True when the entry is still locked after its change. */
export function isLockKept(outcome: CommandOutcome | undefined): boolean {
  return outcome?.ran === true && outcome.output.includes(LOCK_KEPT);
}

/** The failure of a replacement by its own exit statuses; undefined for what SMAPI has said. */
export function replacementFailure(
  steps: readonly Step[],
  outcome: CommandOutcome | undefined,
): BackendError | undefined {
  if (outcome?.ran !== true) return undefined;
  const operation = namesOf(steps);
  switch (outcome.exitStatus) {
    case REPLACEMENT.changed: {
      const message = `${operation}: somebody else has changed the directory entry since it was read`;
      return new BackendError({ code: 'conflict', operation, message, advice: 'find the other writer of the entry' });
    }
    case REPLACEMENT.underWay: {
      const message = `${operation}: an earlier change of the directory entry has not ended yet`;
      return new BackendError({ code: 'busy', operation, message, advice: 'wait for it' });
    }
    case REPLACEMENT.tooLong: {
      const message = `${operation}: the directory entry has a record of more than 70 columns, which smcli cannot write`;
      const advice = 'let the record go on in a further one (a comma at its end), or shorten it';
      return new BackendError({ code: 'refused', operation, message, advice });
    }
    default:
      return undefined;
  }
}
