import type { CommandOutcome } from '../backend/xcat/zhcp/channel.ts';
import { isWholeVswitchAnswer, leavesVswitchesOut, parseVswitches } from '../backend/xcat/zhcp/smcli-parsers.ts';
import type { Finding } from '../domain/drift/finding.ts';
import type { VswitchName } from '../domain/text/identifiers.ts';
import type { Vswitch } from '../domain/vswitch/vswitch.ts';
import { completeAnswer } from './complete-answer.ts';

/** A host's VSWITCHes, and what of them nobody can read. */
export type VswitchReading = { vswitches: Vswitch[]; findings: Finding[] };

const OPERATION = 'read VSWITCHes';

/**
 * Read the answer of Virtual_Network_Vswitch_Query_Extended for all VSWITCHes. One of `named` that smcli leaves out, since it stopped before
 * it, is there as unclear: what is not shown must not be taken for what is not defined. Throws an XcatError when there is no answer.
 */
export function vswitchReading(
  outcome: CommandOutcome | undefined,
  named: readonly { vswitch: VswitchName }[],
): VswitchReading {
  const { output, warnings } = completeAnswer(OPERATION, outcome, isWholeVswitchAnswer);
  const findings = [...warnings];
  const shown = parseVswitches(output, (finding) => findings.push(finding));
  if (!leavesVswitchesOut(output)) return { vswitches: shown, findings };
  const hidden = named.map(({ vswitch }) => vswitch).filter((name) => !shown.some((other) => other.name === name));
  findings.push(
    ...hidden.map((name) => ({ of: `VSWITCH ${name}`, reason: 'smcli does not show it: it stopped before it' })),
  );
  return { vswitches: [...shown, ...hidden.map(notShown)], findings };
}

function notShown(name: VswitchName): Vswitch {
  return {
    name,
    transport: 'UNKNOWN',
    vlanAware: true,
    portSelection: 'UNKNOWN',
    unclear: 'smcli does not show it',
    uplinks: [],
    gvrp: false,
    isolated: false,
    macProtected: false,
    authorisations: [],
    nics: [],
  };
}
