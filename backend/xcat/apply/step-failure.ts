import { portKey } from '../../../domain/guest/entry-nics.ts';
import { refusal } from '../../../domain/planning/refusal.ts';
import { type Step, sentence } from '../../../domain/planning/steps.ts';
import { addressConflict, type BackendError } from '../../backend-error.ts';
import type { SmapiVerdict } from '../../zvm/return-codes.ts';
import type { Command, CommandOutcome } from '../zhcp/channel.ts';
import { failureOf, functionOf } from '../zhcp/smapi-outcome.ts';

/** The failure of steps whose command did not do what it should, by the first of them, with SMAPI's codes. */
export function stepFailure(
  steps: readonly Step[],
  command: Command | undefined,
  outcome: CommandOutcome | undefined,
  verdict: SmapiVerdict | undefined,
): BackendError {
  const [step] = steps;
  const known = step === undefined ? undefined : portInUse(step, verdict);
  return known ?? failureOf(namesOf(steps), outcome, functionOf(command));
}

/** The first of steps that are one change, as a sentence, with how many go with it. */
export function namesOf(steps: readonly Step[]): string {
  const [first, ...others] = steps.map(sentence);
  return `${first ?? ''}${others.length === 0 ? '' : ` (one change with ${others.length} more)`}`;
}

/** HCP3034E: somebody else's NIC, also one in the directory entry of a guest that is logged off, has the port: another is chosen. */
function portInUse(step: Step, verdict: SmapiVerdict | undefined): BackendError | undefined {
  if (verdict?.ok !== false || verdict.rc !== 396 || verdict.rs !== 3034) return undefined;
  if (step.kind !== 'ensureCoupled' || step.portNumber === undefined) return undefined;
  const { vswitch, portNumber } = step;
  const reason = `port ${portNumber} of ${vswitch} is in use (HCP3034E)`;
  const refusals = [refusal('vswitch', reason, 'free a port of the VSWITCH')];
  return addressConflict(sentence(step), refusals, { ports: [portKey({ vswitch, portNumber })] });
}
