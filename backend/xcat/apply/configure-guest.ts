import { defined } from '../../../domain/defined.ts';
import type { GuestStepReport, Step } from '../../../domain/planning/steps.ts';
import type { Cancellation, Company, ReadBack } from '../../backend.ts';
import { isRunning } from '../reading/guest-devices.ts';
import type { XcatHost } from '../xcat-host.ts';
import { queryLiveNics } from '../zhcp/smcli.ts';
import { GuestWork } from './guest-work.ts';

/** The outcome of steps on z/VM. */
export type Configured = {
  reports: GuestStepReport[];
  /** False when steps are left, or DirMaint has accepted one that it carries out later. */
  complete: boolean;
  /** Of all steps, where the last of them are on the host's own z/VM system. */
  readBack?: ReadBack;
  /** `possibly`: steps of which nobody knows whether they were carried out. */
  failure?: { error: unknown; possibly: readonly Step[] };
};

/**
 * Carry out steps on z/VM in order, in one call to the zHCP, and in a further one each time that the directory entry has to be looked at in
 * between. Steps for several members of an SSI cluster take a call to each zHCP. The last call reads the guest back if `readsBack` says so. Stops
 * at the first step that fails, which `failure` says with the step and SMAPI's codes; what came after it is planned anew. "Already so" answers are
 * no failure.
 */
export async function configureGuest(
  host: XcatHost,
  steps: readonly Step[],
  cancellation: Cancellation,
  readsBack: Company['readsBack'],
): Promise<Configured> {
  const reports: GuestStepReport[] = [];
  const parts = partsByMember(steps);
  let readBack: ReadBack | undefined;
  for (const part of parts) {
    const done = await configurePart(host, part, cancellation, part === parts.at(-1) ? readsBack : undefined);
    reports.push(...done.reports);
    if (!done.complete || done.failure !== undefined) return { ...done, reports };
    readBack = done.readBack;
  }
  return { reports, complete: true, ...defined({ readBack }) };
}

/** Steps that one zHCP carries out one after another: that of the host, or of another member of its SSI cluster. */
function partsByMember(steps: readonly Step[]): Step[][] {
  const parts: Step[][] = [];
  for (const step of steps) {
    const last = parts.at(-1);
    if (last !== undefined && last[0]?.member === step.member && last[0]?.whileAway === step.whileAway) last.push(step);
    else parts.push([step]);
  }
  return parts;
}

async function configurePart(
  host: XcatHost,
  steps: readonly Step[],
  cancellation: Cancellation,
  readsBack: Company['readsBack'],
): Promise<Configured> {
  const member = steps[0]?.member ?? host.rules.zhcpNode;
  const asks = member === host.rules.zhcpNode ? readsBack : undefined;
  const work = new GuestWork(host, member, steps, cancellation, asks);
  const { reports } = work;
  let left = steps;
  try {
    if (await hasArrived(host, member, steps, cancellation.leave)) return { reports, complete: false };
    while (left.length > 0) {
      const next = await work.runScript(left);
      if (next === 'ended') return { reports, complete: false };
      left = next;
    }
    return { reports, complete: !work.isLater, ...defined({ readBack: work.readBack }) };
  } catch (error) {
    return { reports, complete: false, failure: { error, possibly: work.possibly } };
  }
}

/** True when the guest of steps that are for its absence runs on the member: it is read again, and its NICs there are seen to first. */
async function hasArrived(
  { xcat }: XcatHost,
  member: string,
  [step]: readonly Step[],
  signal: AbortSignal,
): Promise<boolean> {
  if (step?.whileAway !== true || !('userid' in step)) return false;
  const [nics] = await xcat.channel(member).run([queryLiveNics(step.userid)], { signal });
  return isRunning(nics);
}
