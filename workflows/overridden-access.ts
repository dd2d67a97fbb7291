import { ApplicationFailure } from '@temporalio/common';
import type { WrongVlans } from '../domain/planning/live-plan.ts';
import { stepId } from '../domain/planning/step-id.ts';
import { type Step, sentence } from '../domain/planning/steps.ts';
import { doneBefore, isNotAuthorised } from './failures.ts';

export type Coupling = Extract<Step, { kind: 'ensureCoupled' }>;

const OVERRIDES =
  'look for what overrides grant and directory entry: an external security manager (RACF class VMLAN), another authorisation of the userid (QUERY VSWITCH … ACCESSLIST), or a COUPLE that goes by the entry as it was at logon: log the guest off and on, and have z/VM asked by zvmnet host probe';

/** Steps after which a NIC may have another right: a COUPLE that was refused before them says nothing about the right after them. */
const RIGHTS: readonly Step['kind'][] = [
  'ensureAuthorisation',
  'removeAuthorisation',
  'ensurePortNumber',
  'ensurePortVlans',
  'removePortNumber',
  'ensureDirectoryNic',
  'removeDirectoryNic',
  'ensureDirectoryOnline',
];

/** The coupling that z/VM has refused as not authorised; undefined for other failures. Steps are carried out in order, so it is the first left. */
export function refusedCoupling(error: unknown, steps: readonly Step[]): Coupling | undefined {
  if (!isNotAuthorised(error)) return undefined;
  const done = doneBefore(error);
  return steps.find((step): step is Coupling => step.kind === 'ensureCoupled' && !done.includes(stepId(step)));
}

/** True where a later reading shows the right of a refused coupling: the coupling is left to do, and no step before it that gives a right. */
export function isRightShown(coupling: Coupling, left: readonly Step[]): boolean {
  const at = left.findIndex((step) => stepId(step) === stepId(coupling));
  return at >= 0 && !left.slice(0, at).some(({ kind }) => RIGHTS.includes(kind));
}

/** The permanent failure of a coupling that z/VM refuses, although readings show that the guest is authorised. */
export function refusedAllTheSame(coupling: Coupling, times: number): ApplicationFailure {
  const { userid, vdev, vswitch } = coupling;
  const reason = `z/VM refuses to couple NIC ${vdev} to ${vswitch} as not authorised (212/8), ${times} times, although it shows the right VLANs for ${userid}: most likely an external security manager such as RACF refuses it`;
  const advice = `permit ${userid} to ${vswitch} and its VLANs in the external security manager (RACF: resources SYSTEM.${vswitch} and SYSTEM.${vswitch}.vlan of class VMLAN, access UPDATE); without one, ${OVERRIDES}`;
  return overridden(coupling, reason, advice);
}

/** The permanent failure of a coupling after which z/VM says other VLANs of the NIC than those that it is authorised for. */
export function onOtherVlans(coupling: Coupling, { vdev, vswitch, has, wants }: WrongVlans): ApplicationFailure {
  const text = (vlans: readonly number[]) => (vlans.length === 0 ? 'the default VLAN' : `VLAN ${vlans.join(', ')}`);
  const reason = `z/VM has NIC ${vdev} on ${text(has)} of ${vswitch}, not on ${text(wants)}, after two couplings`;
  return overridden(coupling, reason, OVERRIDES);
}

function overridden(coupling: Coupling, reason: string, advice: string): ApplicationFailure {
  return ApplicationFailure.create({
    type: 'StepFailed',
    message: reason,
    nonRetryable: true,
    details: [{ code: 'smapi', operation: sentence(coupling), reason, advice }],
  });
}
