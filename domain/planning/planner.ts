import { stuckPorts } from '../drift/unclear-ports.ts';
import type { Desired } from '../guest/desired.ts';
import type { GuestState } from '../guest/guest.ts';
import { directoryAuthorizes, type HostCapabilities } from '../host/host-capabilities.ts';
import type { Vswitch } from '../vswitch/vswitch.ts';
import { planAuthorisations } from './authorisation-plan.ts';
import { planDirectory } from './directory-plan.ts';
import { planLive } from './live-plan.ts';
import { onMember, planOtherMembers } from './member-plan.ts';
import { planPortNumbers } from './port-number-plan.ts';
import { type RecordStep, type Step, stagesOf } from './steps.ts';

/** Plans the steps on the record of a guest; each backend has its own. */
export type PlanRecord = (desired: Desired, guest: GuestState) => RecordStep[];

/**
 * The steps from what is to what should be, in an order in which stopping after any of them leaves the guest with no access that it
 * has neither before nor after: record, take away, authorise, define and couple, define in the directory, forget. What the directory gives instead
 * is taken away last.
 * The plan of a state that is right is empty. Without `capabilities` it is that of a system without directory network authorization.
 * Nothing that is neither recorded nor desired (foreign NICs, foreign authorisations) has no step, nor has a port that is left as it is since
 * nobody can read it, or that would take such a port along.
 */
export function plan(
  wanted: Desired,
  guest: GuestState,
  vswitches: readonly Vswitch[],
  planRecord: PlanRecord,
  capabilities?: HostCapabilities,
): Step[] {
  const stuck = new Set(stuckPorts(wanted.ports, wanted.removed, guest, vswitches).map(({ port }) => port));
  const desired = { ...wanted, ports: wanted.ports.filter((port) => !stuck.has(port)) };
  const authorisations = planAuthorisations(desired, guest, vswitches, capabilities);
  const portNumbers = planPortNumbers(desired, guest, vswitches);
  const live = planLive(desired, guest, { vswitches, capabilities, ...authorisations, ...portNumbers });
  const unauthorised = desired.ports
    .filter(({ authorization }) => authorization === undefined)
    .filter(({ vdev, vswitch }) => authorisations.revoked.has(vswitch) || portNumbers.renumbered.has(vdev))
    .map(({ vdev }) => vdev);
  const directory = planDirectory(desired, guest, capabilities, new Set(unauthorised));
  const authorise = [...authorisations.revoke, ...authorisations.grant, ...portNumbers.give];
  // DirMaint may have a queue: what needs no NICDEF is usable in seconds, unless it has to wait for a change of the entry anyway.
  const isOneChange = directory.takeAway.length > 0 && authorise.length === 0;
  const give = isOneChange ? [...directory.define, ...live.define] : [...live.define, ...directory.define];
  const { record, forget } = stagesOf(desired.recordStays === true ? [] : planRecord(desired, guest));
  const configure = [
    ...live.takeAway,
    // A NICDEF may name a VLAN that its port number has kept from counting.
    ...(directoryAuthorizes(capabilities)
      ? [...directory.takeAway, ...portNumbers.takeAway]
      : [...portNumbers.takeAway, ...directory.takeAway]),
    ...authorise,
    ...give,
    ...authorisations.revokeLast,
    ...portNumbers.takeLast,
    ...live.defineByDirectory,
  ];
  const others = planOtherMembers(desired, guest, capabilities);
  return [...record, ...others.before, ...onMember(configure, guest.cluster?.runsOn), ...others.after, ...forget];
}
