import type { Finding } from '../../../domain/drift/finding.ts';
import type { VswitchName } from '../../../domain/text/identifiers.ts';
import type { Vswitch } from '../../../domain/vswitch/vswitch.ts';
import type { XcatHost } from '../xcat-host.ts';
import type { CommandOutcome } from '../zhcp/channel.ts';
import { completeAnswer } from '../zhcp/smapi-outcome.ts';
import { queryVswitches } from '../zhcp/smcli.ts';
import { isWholeVswitchAnswer, leavesVswitchesOut, parseVswitches } from '../zhcp/smcli-parsers.ts';

/** All VSWITCHes of a host. Throws a BackendError when they cannot be read. */
export async function readVswitches(host: XcatHost, signal: AbortSignal): Promise<Vswitch[]> {
  const query = queryVswitches(await host.zhcp.get(), '*');
  const [outcome] = await host.xcat.channel(host.rules.zhcpNode).run([query], { signal });
  return vswitchReading(outcome, host.rules.vswitches).vswitches;
}

/** A host's VSWITCHes, and what of them nobody can read. */
export type VswitchReading = { vswitches: Vswitch[]; findings: Finding[] };

const OPERATION = 'read VSWITCHes';

/**
 * Read the answer of Virtual_Network_Vswitch_Query_Extended for all VSWITCHes. One of `named` that smcli leaves out, since it stopped before
 * it, is there as unclear: what is not shown must not be taken for what is not defined. Throws a BackendError when there is no answer.
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
    ...hidden.map((name) => ({ of: `VSWITCH ${name}`, reason: 'smcli does not show it: its output ends before it' })),
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
