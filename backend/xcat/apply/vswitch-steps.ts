import type { StepReport } from '../../../domain/planning/steps.ts';
import type { VswitchStep } from '../../../domain/planning/vswitch-plan.ts';
import type { Userid } from '../../../domain/text/identifiers.ts';
import { vswitchSentence } from '../../../domain/vswitch/vswitch-sentence.ts';
import type { XcatHost } from '../xcat-host.ts';
import type { Command } from '../zhcp/channel.ts';
import { failureOf, functionOf, verdictOf } from '../zhcp/smapi-outcome.ts';
import * as smcli from '../zhcp/smcli.ts';

/** Carry out steps on VSWITCHes, in order; stops at the first that fails with a BackendError that names it. */
export async function applyVswitchSteps(
  host: XcatHost,
  steps: readonly VswitchStep[],
  signal: AbortSignal,
): Promise<StepReport[]> {
  const zhcp = await host.zhcp.get();
  const chain = steps.map((step) => commandOf(step, zhcp));
  const outcomes = await host.xcat.channel(host.rules.zhcpNode).run([chain], { signal });
  return steps.map((step, index) => {
    const verdict = verdictOf(chain[index], outcomes[index]);
    if (verdict?.ok !== true) throw failureOf(vswitchSentence(step), outcomes[index], functionOf(chain[index]));
    return { step: vswitchSentence(step), answer: verdict.already ? 'no change' : 'done' };
  });
}

function commandOf(step: VswitchStep, zhcp: Userid): Command {
  switch (step.kind) {
    case 'createVswitch':
      return smcli.createVswitch(zhcp, step.settings);
    case 'setUplinks':
      return smcli.setUplinks(zhcp, step.vswitch, step.rdevs);
    case 'removeVswitch':
      return smcli.deleteVswitch(zhcp, step.vswitch);
  }
}
