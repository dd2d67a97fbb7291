import type { GuestStepReport, Step } from '../../../domain/planning/steps.ts';
import type { XcatHost } from '../xcat-host.ts';
import { GuestWork } from './guest-work.ts';

/** The outcome of steps on z/VM. */
export type Configured = {
  reports: GuestStepReport[];
  /** False when steps are left, or DirMaint has accepted one that it carries out later. */
  complete: boolean;
  /** `possibly`: steps of which nobody knows whether they were carried out. */
  failure?: { error: unknown; possibly: readonly Step[] };
};

/**
 * Carry out steps on z/VM in order, in one call to the zHCP, and in a further one each time that the directory entry has to be looked at in
 * between. Stops at the first step that fails, which `failure` says with the step and SMAPI's codes; what came after it is planned anew.
 * "Already so" answers are no failure.
 */
export async function configureGuest(host: XcatHost, steps: readonly Step[], signal: AbortSignal): Promise<Configured> {
  const work = new GuestWork(host, signal);
  const { reports } = work;
  let left = steps;
  try {
    while (left.length > 0) {
      const next = await work.runScript(left);
      if (next === 'ended') return { reports, complete: false };
      left = next;
    }
    return { reports, complete: !work.isLater };
  } catch (error) {
    return { reports, complete: false, failure: { error, possibly: work.possibly } };
  }
}
