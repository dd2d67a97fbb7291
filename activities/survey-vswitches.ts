import type { ServerNics } from '../backend/reading.ts';
import type { Checkpoint } from '../domain/host/checkpoint.ts';
import type { RepairFailure } from '../domain/operations/requests.ts';
import { planVswitch } from '../domain/planning/vswitch-plan.ts';
import type { VswitchName } from '../domain/text/identifiers.ts';
import type { Rdev } from '../domain/vswitch/rdev.ts';
import type { Vswitch } from '../domain/vswitch/vswitch.ts';
import { vswitchSentence } from '../domain/vswitch/vswitch-sentence.ts';
import type { Survey } from '../workflows/host-activities.ts';
import type { HostRuntime } from './host-runtime.ts';
import { failure } from './survey-failures.ts';
import { settingsOf } from './vswitches.ts';

/** VSWITCHes of the configuration that are gone or changed, with what is to be done; one that says nothing of how to make it counts too. */
export function vswitchesToEnsure(
  host: HostRuntime,
  vswitches: readonly Vswitch[],
  { administrators }: ServerNics,
  rdevs: ReadonlyMap<VswitchName, readonly Rdev[]>,
): Survey['vswitches'] {
  return host.rules.vswitches.flatMap((allowed) => {
    const vswitch = vswitches.find(({ name }) => name === allowed.vswitch);
    // A VSWITCH that is not understood is a finding.
    if (administrators.includes(allowed.vswitch) || vswitch?.unclear !== undefined) return [];
    const hidesUplinks = vswitch?.uplinksHidden === true;
    const settings = hidesUplinks ? { ...settingsOf(allowed), rdevs: [] } : settingsOf(allowed);
    const hadRdevs = hidesUplinks ? [] : [...(rdevs.get(allowed.vswitch) ?? [])];
    const context = { host: host.rules.host, vswitches, settings, administrators, hadRdevs };
    const { steps, refusals } = planVswitch(allowed.vswitch, context);
    const lines = [...steps.map(vswitchSentence), ...refusals.map(({ reason }) => reason)];
    const had = hadRdevs.length === 0 ? {} : { hadRdevs };
    return lines.length === 0 ? [] : [{ vswitch: allowed.vswitch, lines, ...had }];
  });
}

/** The real devices of VSWITCHes of the configuration that does not name them; of one that is gone, or has none any more, those that it had. */
export function rdevsToRemember(
  { rules }: HostRuntime,
  vswitches: readonly Vswitch[],
  before: Checkpoint['rdevs'],
): Map<VswitchName, readonly Rdev[]> {
  const unnamed = rules.vswitches.filter(({ rdevs }) => rdevs.length === 0);
  const entries = unnamed.map(({ vswitch: name }): [VswitchName, readonly Rdev[]] => {
    const uplinks = vswitches.find((vswitch) => vswitch.name === name)?.uplinks ?? [];
    return [name, uplinks.length > 0 ? uplinks.map(({ rdev }) => rdev) : (before?.get(name) ?? [])];
  });
  return new Map(entries.filter(([, rdevs]) => rdevs.length > 0));
}

/** Somebody has made a VSWITCH anew without what connected it, or has taken that away: it may be meant, and is told. */
export function withoutUplinks(
  { rules }: HostRuntime,
  vswitches: readonly Vswitch[],
  rdevs: ReadonlyMap<VswitchName, readonly Rdev[]>,
  now: number,
): RepairFailure[] {
  return vswitches.flatMap(({ name, uplinks, uplinksHidden, unclear }) => {
    const had = rdevs.get(name);
    // Uplinks that the answer does not show may be there.
    if (had === undefined || uplinks.length > 0 || uplinksHidden === true || unclear !== undefined) return [];
    const reason = `VSWITCH ${name} of ${rules.host} has lost its real devices ${had.join(', ')}: set them as rdev_list in [${name}], or restore them`;
    return [failure({ kind: 'uplinks', vswitch: name }, reason, now)];
  });
}
