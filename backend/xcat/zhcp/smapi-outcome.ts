import type { Finding } from '../../../domain/drift/finding.ts';
import { BackendError } from '../../backend-error.ts';
import { plainText } from '../../http/plain-text.ts';
import { judge, type SmapiVerdict, smapiPage } from '../../zvm/return-codes.ts';
import { smapiAdvice } from '../../zvm/smapi-advice.ts';
import type { Command, CommandOutcome } from './channel.ts';

/**
 * The error of a command that did not do what it should: SMAPI's own words, and whether another try can help. `operation` is a sentence for
 * people; `functionName` is SMAPI's, by which a code is judged.
 */
export function failureOf(operation: string, outcome: CommandOutcome | undefined, functionName = ''): BackendError {
  if (outcome?.ran !== true) {
    return new BackendError({
      code: 'bad-answer',
      operation,
      message: `${operation}: not run, because an earlier step failed`,
      retryable: true,
    });
  }
  const verdict = judge(functionName, outcome.exitStatus, outcome.output);
  if (verdict.ok)
    return new BackendError({
      code: 'bad-answer',
      operation,
      message: `${operation}: nothing failed`,
      retryable: true,
    });
  const message = `${operation}: SMAPI return code ${verdict.rc}, reason code ${verdict.rs}: ${verdict.sentence}`;
  const coded = /^\s*Return Code: /m.test(outcome.output);
  const advice = coded ? smapiAdvice(verdict.rc, verdict.rs) : 'check that the zHCP runs smcli and that SMAPI answers';
  const { rc, rs, retryable } = verdict;
  const page = coded ? smapiPage(rc, rs) : 'smapi-other';
  return new BackendError({ code: 'smapi', operation, message, advice, retryable, page, ...(coded ? { rc, rs } : {}) });
}

/** SMAPI's verdict on a command, some of whose codes mean "already so"; undefined when it was not run. */
export function verdictOf(command: Command | undefined, outcome: CommandOutcome | undefined): SmapiVerdict | undefined {
  return outcome?.ran === true ? judge(functionOf(command), outcome.exitStatus, outcome.output) : undefined;
}

/** SMAPI's name of the function that a command calls: `smcli <function> …`. */
export function functionOf(command: Command | undefined): string {
  return command?.argv[1] ?? '';
}

/** The output of a query. Throws a BackendError that names what could not be read. */
export function answered(operation: string, outcome: CommandOutcome | undefined): string {
  if (outcome?.ran === true && judge(operation, outcome.exitStatus, outcome.output).ok) return outcome.output;
  throw failureOf(operation, outcome);
}

// coreutils' timeout, a shell that cannot run the program, a signal: what came before it may be a part only.
const ENDED_FROM_OUTSIDE = 124;

/**
 * The output of a query. smcli may end with an exit status other than 0 after a complete answer (docs/reference/smcli.md 1.2): that is a
 * warning, and comes as one. Throws a BackendError that names what could not be read.
 */
export function completeAnswer(
  operation: string,
  outcome: CommandOutcome | undefined,
  isComplete: (output: string) => boolean,
): { output: string; warnings: Finding[] } {
  if (outcome?.ran !== true || outcome.exitStatus === 0) return { output: answered(operation, outcome), warnings: [] };
  const { exitStatus, output } = outcome;
  const isWhole = exitStatus < ENDED_FROM_OUTSIDE && !/^\s*Return Code: /m.test(output) && isComplete(output);
  if (!isWhole) return { output: answered(operation, outcome), warnings: [] };
  const said = output.split('\n').find((line) => /^\s*Error /.test(line));
  const words = said === undefined ? '' : `: "${plainText(said).slice(0, 100)}"`;
  const reason = `smcli ends with exit status ${exitStatus} after a complete answer${words}`;
  return { output, warnings: [{ of: operation, reason }] };
}
