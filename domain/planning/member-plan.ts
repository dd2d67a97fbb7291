import type { Desired } from '../guest/desired.ts';
import type { GuestState } from '../guest/guest.ts';
import { keptAttributes } from '../guest/kept-attributes.ts';
import type { HostCapabilities } from '../host/host-capabilities.ts';
import type { MemberName } from '../host/ssi-cluster.ts';
import { planAuthorisations } from './authorisation-plan.ts';
import { planPortNumbers } from './port-number-plan.ts';
import type { Step } from './steps.ts';

/** Steps on other members: before and after those on the directory entry, which all members share. */
export type MemberPlan = { before: Step[]; after: Step[] };

/**
 * The grants and port numbers that the guest has on members of the cluster where it does not run: what it must not have any more goes, what it
 * keeps gets its VLANs, so that it has nothing else there after a relocation. Nothing is given where it has nothing: to let a guest come to a
 * member is the administrator's decision. What differs from the VLANs that the directory is to name goes before, what is the same goes after.
 */
export function planOtherMembers(
  desired: Desired,
  guest: GuestState,
  capabilities: HostCapabilities | undefined,
): MemberPlan {
  const named = new Set(
    desired.ports.flatMap(({ vswitch, authorization }) => (authorization === undefined ? [] : vswitch)),
  );
  const isBefore = (step: Step) => 'vswitch' in step && step.vswitch !== undefined && named.has(step.vswitch);
  const plans = (guest.cluster?.others ?? []).map(({ member, vswitches }) => {
    const held = vswitches.filter(({ authorisations }) => authorisations.some(({ userid }) => userid === guest.userid));
    const there = { ...desired, kept: keptAttributes(guest, held) };
    const { revoke, grant, revokeLast } = planAuthorisations(there, guest, held, capabilities);
    const { takeAway, give, takeLast } = planPortNumbers(there, guest, held);
    const isNew = (step: Step) => step.kind === 'ensurePortNumber' && step.before === undefined;
    const fresh = new Set(give.filter(isNew).flatMap((step) => ('portNumber' in step ? [step.portNumber] : [])));
    const known = give.filter((step) => !('portNumber' in step && fresh.has(step.portNumber)));
    const taken = [...takeAway, ...revoke];
    const later = [...taken.filter((step) => !isBefore(step)), ...grant, ...known, ...revokeLast, ...takeLast];
    const away = (steps: readonly Step[]) =>
      onMember(steps, member).map((step) => ({ ...step, whileAway: true as const }));
    return { before: away(taken.filter(isBefore)), after: away(later) };
  });
  return { before: plans.flatMap((each) => each.before), after: plans.flatMap((each) => each.after) };
}

/** The same steps, for the member that carries them out; undefined is the host itself. */
export function onMember(steps: readonly Step[], member: MemberName | undefined): Step[] {
  return member === undefined ? [...steps] : steps.map((step) => ({ ...step, member }));
}
