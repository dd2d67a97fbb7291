import { type Desired, removedVdevs } from '../guest/desired.ts';
import type { GuestState } from '../guest/guest.ts';
import type { Vdev } from '../port/vdev.ts';
import type { Userid } from '../text/identifiers.ts';

/**
 * A NICDEF that stays although its port goes, since it stands where no step changes anything: in a SUBCONFIG or in a profile. The guest has the NIC
 * again at its next logon, until an administrator removes it there.
 */
export type LeftNicdef = { userid: Userid; vdev: Vdev; standsIn: 'SUBCONFIG' | 'PROFILE'; name: string };

/** The same as programs read it in a result. */
type Told = Omit<LeftNicdef, 'userid' | 'vdev'> & { userid: string; vdev: string };

/** The NICDEFs of removed ports that the steps towards the desired state leave. */
export function leftNicdefs(desired: Desired, guest: GuestState): LeftNicdef[] {
  const removed = removedVdevs(desired, guest);
  return guest.directory.flatMap(({ vdev, subconfig, profile }): LeftNicdef[] => {
    if (!removed.has(vdev)) return [];
    const nicdef = { userid: guest.userid, vdev };
    if (subconfig !== undefined) return [{ ...nicdef, standsIn: 'SUBCONFIG', name: subconfig }];
    return profile === undefined ? [] : [{ ...nicdef, standsIn: 'PROFILE', name: profile }];
  });
}

/** The same as a sentence, with the way out. */
export function leftNicdefText({ userid, vdev, standsIn, name }: Told): string {
  return `NICDEF ${vdev} stays in ${standsIn} ${name}, and gives ${userid} the NIC again at its next logon: an administrator removes it there`;
}
