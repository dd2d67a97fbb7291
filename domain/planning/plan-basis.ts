import type { GuestState, Nicdef, RecordedPort } from '../guest/guest.ts';
import type { NicAddress } from '../port/address.ts';
import type { PortNumber } from '../port/port-number.ts';
import type { Vdev } from '../port/vdev.ts';
import type { PortId, VswitchName } from '../text/identifiers.ts';
import type { Vswitch } from '../vswitch/vswitch.ts';
import type { Step } from './steps.ts';

/** The state that a plan replaces: the same steps from another state are another plan. */
export type PlanBasis = {
  recorded: readonly RecordedPort[];
  addresses: readonly NicAddress[];
  directory: readonly Nicdef[];
  /** Without the address, which z/VM tells of coupled NICs alone. */
  live: readonly { vdev: Vdev; vswitch: VswitchName | undefined; vlans: readonly number[] | undefined }[];
  authorisations: readonly { vswitch: VswitchName; vlans: readonly number[]; portNumber: PortNumber | undefined }[];
};

/**
 * The ports that a plan is about, the NICs and authorisations that its steps touch, as they are before it. Other ports and NICs of the guest are
 * not among them: they may change without making it another plan.
 */
export function basisOf(
  steps: readonly Step[],
  affected: readonly PortId[],
  guest: GuestState,
  vswitches: readonly Vswitch[],
): PlanBasis {
  const ids = new Set(affected);
  const names = new Set<string>();
  const vdevs = new Set<Vdev>();
  for (const step of steps) {
    if (step.kind === 'record' && step.portId !== undefined) ids.add(step.portId);
    if ('vdev' in step) vdevs.add(step.vdev);
    if ('vswitch' in step && step.vswitch !== undefined) names.add(step.vswitch);
  }
  const recorded = guest.recorded.filter(({ portId }) => ids.has(portId));
  for (const { vdev } of recorded) if (vdev !== undefined) vdevs.add(vdev);
  const touched = <Nic extends { vdev: Vdev }>(nics: readonly Nic[]) =>
    nics.filter(({ vdev }) => vdevs.has(vdev)).toSorted((one, other) => (one.vdev < other.vdev ? -1 : 1));
  return {
    recorded: recorded.toSorted((one, other) => (one.portId < other.portId ? -1 : 1)),
    addresses: touched(guest.addresses ?? []),
    directory: touched(guest.directory),
    live: touched(guest.live).map(({ vdev, vswitch, vlans }) => ({ vdev, vswitch, vlans })),
    authorisations: vswitches
      .filter(({ name }) => names.has(name))
      .flatMap(({ name, authorisations }) =>
        authorisations
          .filter(({ userid }) => userid === guest.userid)
          .map(({ vlans, portNumber }) => ({ vswitch: name, vlans, portNumber })),
      ),
  };
}
