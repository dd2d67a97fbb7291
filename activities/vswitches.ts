import type { Command } from '../backend/xcat/zhcp/channel.ts';
import * as smcli from '../backend/xcat/zhcp/smcli.ts';
import type { AllowedVswitch } from '../domain/host/host.ts';
import {
  planVswitch,
  planVswitchRemoval,
  type RecordedUse,
  type VswitchSettings,
  type VswitchStep,
} from '../domain/planning/vswitch-plan.ts';
import type { VswitchName } from '../domain/text/identifiers.ts';
import type { Vswitch } from '../domain/vswitch/vswitch.ts';
import { vswitchSentence } from '../domain/vswitch/vswitch-sentence.ts';
import type { StepReport, VswitchChange } from '../workflows/host-activities.ts';
import { refusedFailure } from './failures.ts';
import { readRecord } from './guest-reading.ts';
import type { HostRuntime } from './host-runtime.ts';
import { administratorsVswitches } from './management-node.ts';
import { readInTime } from './reading-in-time.ts';
import { failureOf } from './smapi-failure.ts';
import { functionOf, verdictOf } from './smapi-outcome.ts';
import { vswitchReading } from './vswitch-reading.ts';

/** All VSWITCHes of a host, for somebody who waits. Throws an XcatError when they cannot be read. */
export function readVswitches(host: HostRuntime, signal: AbortSignal): Promise<Vswitch[]> {
  return readInTime(`read the VSWITCHes of ${host.rules.host}`, () => queryVswitches(host, signal));
}

/** All VSWITCHes of a host. Throws an XcatError when they cannot be read. */
export async function queryVswitches(host: HostRuntime, signal: AbortSignal): Promise<Vswitch[]> {
  const query = smcli.queryVswitches(await host.zhcp.get(), '*');
  const [outcome] = await host.xcat.channel(host.rules.zhcpNode).run([query], { signal });
  return vswitchReading(outcome, host.rules.vswitches).vswitches;
}

/** What is to be done to a VSWITCH. Throws a `Refused` failure when it must not be. */
export async function planVswitchChange(
  host: HostRuntime,
  change: VswitchChange,
  signal: AbortSignal,
): Promise<VswitchStep[]> {
  const [vswitches, administrators] = await Promise.all([
    queryVswitches(host, signal),
    administratorsVswitches(host, signal),
  ]);
  const allowed = host.rules.vswitches.find((candidate) => candidate.vswitch === change.vswitch);
  const settings = allowed === undefined ? undefined : settingsOf(allowed);
  const around = { host: host.rules.host, vswitches, settings, administrators };
  const { steps, refusals } =
    change.kind === 'ensure'
      ? planVswitch(change.vswitch, { ...around, ...(change.hadRdevs && { hadRdevs: change.hadRdevs }) })
      : planVswitchRemoval(change.vswitch, around, await recordedUse(host, change.vswitch), change.force);
  if (refusals.length > 0) throw refusedFailure(refusals);
  return steps;
}

/** Carry out steps on VSWITCHes, in order; stops at the first that fails with an XcatError that names it. */
export async function applyVswitchSteps(
  host: HostRuntime,
  steps: readonly VswitchStep[],
  signal: AbortSignal,
): Promise<StepReport[]> {
  const zhcp = await host.zhcp.get();
  const chain = steps.map((step) => commandOf(step, zhcp));
  const outcomes = await host.xcat.channel(host.rules.zhcpNode).run([chain], { signal });
  return steps.map((step, index) => {
    const verdict = verdictOf(chain[index], outcomes[index]);
    if (verdict?.ok !== true) throw failureOf(vswitchSentence(step), outcomes[index], functionOf(chain[index]));
    return { step: vswitchSentence(step), answer: verdict.already ? 'was so already' : 'done' };
  });
}

/** The VSWITCH that a host's configuration wants. */
export function settingsOf({ vswitch, flat, vlanRanges, ...how }: AllowedVswitch): VswitchSettings {
  const { transport, portSelection, rdevs } = how;
  return { name: vswitch, transport, vlanAware: vlanRanges.length > 0, flat, portSelection, rdevs };
}

async function recordedUse(host: HostRuntime, vswitch: VswitchName): Promise<RecordedUse> {
  const { recorded } = await readRecord(host);
  return {
    ports: [...recorded.values()].flat().filter((port) => port.vswitch === vswitch).length,
    isOurs: (userid) => recorded.has(userid),
  };
}

function commandOf(step: VswitchStep, zhcp: Parameters<typeof smcli.queryVswitches>[0]): Command {
  switch (step.kind) {
    case 'createVswitch':
      return smcli.createVswitch(zhcp, step.settings);
    case 'setUplinks':
      return smcli.setUplinks(zhcp, step.vswitch, step.rdevs);
    case 'removeVswitch':
      return smcli.deleteVswitch(zhcp, step.vswitch);
  }
}
