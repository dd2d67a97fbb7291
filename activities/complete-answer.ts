import { plainText } from '../backend/xcat/rest/answers.ts';
import type { CommandOutcome } from '../backend/xcat/zhcp/channel.ts';
import type { Finding } from '../domain/drift/finding.ts';
import { answered } from './smapi-outcome.ts';

// coreutils' timeout, a shell that cannot run the program, a signal: what came before it may be a part only.
const ENDED_FROM_OUTSIDE = 124;

/**
 * What a query printed. smcli may end with an exit status other than 0 after a complete answer (contract xcat.md 10): that is a warning,
 * and comes as one. Throws an XcatError that names what could not be read.
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
  const words = said === undefined ? '' : `, and says "${plainText(said).slice(0, 100)}"`;
  const reason = `smcli ends with exit status ${exitStatus} after a complete answer${words}`;
  return { output, warnings: [{ of: operation, reason }] };
}
