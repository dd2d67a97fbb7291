import { refuseIncapable } from '../backend/capabilities.ts';
import { defined } from '../domain/defined.ts';
import type { AllowedVswitch } from '../domain/host/host.ts';
import {
  planVswitch,
  planVswitchRemoval,
  type RecordedUse,
  type VswitchSettings,
  type VswitchStep,
} from '../domain/planning/vswitch-plan.ts';
import type { PolicyQuestion } from '../domain/policy/verdict.ts';
import type { VswitchName } from '../domain/text/identifiers.ts';
import type { Vswitch } from '../domain/vswitch/vswitch.ts';
import type { HostPlan, VswitchChange } from '../workflows/host-activities.ts';
import { refuse } from './failures.ts';
import type { HostRuntime } from './host-runtime.ts';
import { concernedOfVswitch, waitFor } from './policy-gate.ts';
import { readInTime } from './reading-in-time.ts';
import { planIdOf } from './state-tags.ts';

/** All VSWITCHes of a host, for a waiting caller. Throws a BackendError when they cannot be read. */
export function readVswitches(host: HostRuntime, signal: AbortSignal): Promise<Vswitch[]> {
  return readInTime(`read the VSWITCHes of ${host.rules.host}`, host.backend.kind, () =>
    host.backend.readVswitches(signal),
  );
}

/** Plan the change of a VSWITCH. Throws a `Refused` failure when it must not be. */
export async function planVswitchChange(
  host: HostRuntime,
  { asks, ...change }: VswitchChange & { asks?: PolicyQuestion },
  signal: AbortSignal,
): Promise<HostPlan<VswitchStep>> {
  const [vswitches, administrators] = await Promise.all([
    host.backend.readVswitches(signal),
    host.backend.administratorsVswitches(signal),
  ]);
  const allowed = host.rules.vswitches.find((candidate) => candidate.vswitch === change.vswitch);
  const settings = allowed === undefined ? undefined : settingsOf(allowed);
  const context = { host: host.rules.host, vswitches, settings, administrators };
  const { steps, refusals } =
    change.kind === 'ensure'
      ? planVswitch(change.vswitch, { ...context, ...(change.hadRdevs && { hadRdevs: change.hadRdevs }) })
      : planVswitchRemoval(change.vswitch, context, await recordedUse(host, change.vswitch), change.force);
  refuse([...refusals, ...refuseIncapable(host.backend, steps)]);
  const plan = planIdOf(steps);
  const wait = steps.length === 0 ? undefined : waitFor(host, plan, concernedOfVswitch(change.vswitch, steps), asks);
  return { steps, plan, ...defined({ wait }) };
}

/** The VSWITCH that a host's configuration wants. */
export function settingsOf({ vswitch, flat, vlanRanges, ...how }: AllowedVswitch): VswitchSettings {
  const { transport, portSelection, rdevs } = how;
  return { name: vswitch, transport, vlanAware: vlanRanges.length > 0, flat, portSelection, rdevs };
}

async function recordedUse(host: HostRuntime, vswitch: VswitchName): Promise<RecordedUse> {
  const { recorded } = await host.backend.readRecord();
  return {
    ports: [...recorded.values()].flat().filter((port) => port.vswitch === vswitch).length,
    isOurs: (userid) => recorded.has(userid),
  };
}
