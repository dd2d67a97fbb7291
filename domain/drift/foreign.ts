import type { OwnNic } from '../host/checkpoint.ts';
import type { Userid, VswitchName } from '../text/identifiers.ts';
import type { Vswitch } from '../vswitch/vswitch.ts';

/** Foreign things on a host's VSWITCHes, one line each: reported, never touched. */
export function foreignOn(
  vswitches: readonly Vswitch[],
  configured: ReadonlySet<VswitchName>,
  ours: ReadonlyMap<Userid, readonly OwnNic[]>,
  /** The management node itself, whose NICs are no ports. */
  ignored: ReadonlySet<string>,
): string[] {
  return vswitches.flatMap((vswitch) => {
    if (!configured.has(vswitch.name)) return [`VSWITCH ${vswitch.name} is not configured`];
    const isOurs = (userid: Userid) => ours.get(userid)?.some((nic) => nic.vswitch === vswitch.name) === true;
    const grants = vswitch.authorisations
      .filter(({ userid }) => !isOurs(userid) && !ignored.has(userid))
      .map(({ userid }) => `${userid} is authorised on ${vswitch.name} without a port`);
    const nics = vswitch.nics
      .filter(({ userid, vdev }) => !ignored.has(userid) && !ours.get(userid)?.some((nic) => nic.vdev === vdev))
      .map(({ userid, vdev }) => `NIC ${vdev} of ${userid} is coupled to ${vswitch.name} without a port`);
    return [...new Set([...grants, ...nics])];
  });
}
