import { XcatError } from '../backend/xcat/rest/errors.ts';
import type { CommandOutcome } from '../backend/xcat/zhcp/channel.ts';
import { judge } from '../backend/xcat/zhcp/return-codes.ts';
import { smapiAdvice } from './smapi-advice.ts';

/**
 * The error of a command that did not do what it should: SMAPI's own words, and whether another try can help. `operation` is a sentence for
 * people; `functionName` is SMAPI's, by which a code is judged.
 */
export function failureOf(operation: string, outcome: CommandOutcome | undefined, functionName = ''): XcatError {
  if (outcome?.ran !== true) {
    return new XcatError({
      code: 'bad-answer',
      operation,
      message: `${operation}: it was not run, because a step before it failed`,
      retryable: true,
    });
  }
  const verdict = judge(functionName, outcome.exitStatus, outcome.output);
  if (verdict.ok)
    return new XcatError({ code: 'bad-answer', operation, message: `${operation}: nothing failed`, retryable: true });
  const message = `${operation}: SMAPI return code ${verdict.rc}, reason code ${verdict.rs}: ${verdict.sentence}`;
  const coded = /^\s*Return Code: /m.test(outcome.output);
  const advice = coded ? smapiAdvice(verdict.rc, verdict.rs) : 'see that the zHCP can run smcli and that SMAPI answers';
  return new XcatError({ code: 'smapi', operation, message, advice, retryable: verdict.retryable });
}
