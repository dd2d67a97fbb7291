import type { StepReport } from '../../../domain/planning/steps.ts';
import type { VswitchSettings, VswitchStep } from '../../../domain/planning/vswitch-plan.ts';
import { vswitchSentence } from '../../../domain/vswitch/vswitch-sentence.ts';
import { BackendError } from '../../backend-error.ts';
import type { FeilongHost } from '../feilong-host.ts';
import { type Done, unsupported } from './guest-steps.ts';

/** Carry out steps on VSWITCHes in order; throws a BackendError that names the first that fails. */
export async function applyVswitchSteps(
  host: FeilongHost,
  steps: readonly VswitchStep[],
  signal: AbortSignal,
): Promise<StepReport[]> {
  const reports: StepReport[] = [];
  for (const step of steps) {
    const sentence = vswitchSentence(step);
    try {
      reports.push({ step: sentence, answer: await applyVswitchStep(host, step, signal) });
    } catch (error) {
      if (!(error instanceof BackendError)) throw error;
      throw error.with({ operation: sentence, message: `${sentence}: ${error.message}` });
    }
  }
  return reports;
}

async function applyVswitchStep({ feilong }: FeilongHost, step: VswitchStep, signal: AbortSignal): Promise<Done> {
  switch (step.kind) {
    case 'createVswitch': {
      const { settings } = step;
      if (settings.portSelection === 'PORTBASED') throw unsupported('port-based VSWITCHes');
      if ((await feilong.vswitch(settings.name, signal)) !== undefined) return 'no change';
      await feilong.createVswitch(vswitchOf(settings), signal);
      return 'done';
    }
    case 'removeVswitch':
      if ((await feilong.vswitch(step.vswitch, signal)) === undefined) return 'no change';
      await feilong.deleteVswitch(step.vswitch, signal);
      return 'done';
    case 'setUplinks':
      throw unsupported('changes of uplinks');
  }
}

/** The native VLAN as the default: a flat port is untagged on the uplink (docs/reference/smcli.md 3.1). */
const NATIVE_VLAN = 1;

function vswitchOf({ name, transport, vlanAware, flat, rdevs }: VswitchSettings): object {
  return {
    name,
    network_type: transport,
    ...(rdevs.length === 0 ? { connection: 'NOUPLINK' } : { rdev: rdevs.join(' ') }),
    vid: vlanAware ? (flat === true ? NATIVE_VLAN : 'AWARE') : 'UNAWARE',
    ...(vlanAware ? { port_type: 'ACCESS', gvrp: 'NOGVRP', native_vid: NATIVE_VLAN } : {}),
  };
}
