import type { Guest } from './guest.ts';
import type { ZvmSystem } from './system.ts';

/**
 * Moves a running guest to another member of its SSI cluster, as VMRELOCATE does: its NICs go with it, each coupled by the right that it has
 * there (docs/reference/zvm.md 7). Nothing moves when one of them would not be coupled. Answers what is in the way.
 */
export function relocate(from: ZvmSystem, to: ZvmSystem | undefined, userid: string): string | null {
  const guest = from.guest(userid);
  const there = to?.guest(userid);
  if (!guest?.loggedOn) return `${userid} is not logged on here`;
  if (to === undefined || there === undefined || to === from || !from.members.includes(to))
    return 'that is no other member of the cluster';
  if (guest.entry.isIdentity) return `${userid} is an IDENTITY`;
  const blocked = guest.nics.find((nic) => nic.vswitch !== null && !to.vswitch(nic.vswitch));
  if (blocked) return `VSWITCH ${blocked.vswitch} is not defined on the destination`;
  return move(from, to, guest, there);
}

function move(from: ZvmSystem, to: ZvmSystem, guest: Guest, there: Guest): string | null {
  const wanted = guest.nics.map(({ vswitch, port }) => ({ vswitch, port }));
  const nics = guest.nics.map((nic) => ({ ...nic, vswitch: null, vlans: [], port: null, connection: undefined }));
  const coupled = nics.flatMap((nic, index) => {
    const { vswitch = null, port = null } = wanted[index] ?? {};
    return vswitch === null ? [] : [{ nic, vswitch, port }];
  });
  const refused = coupled.find(({ nic, vswitch, port }) => !('right' in to.accessFor(there, nic, vswitch, port)));
  if (refused) return `NIC ${refused.nic.vdev} is not authorised on the destination`;
  for (const nic of guest.nics) from.uncouple(guest, nic, 'relocated');
  Object.assign(there, { loggedOn: true, nics, devices: guest.devices });
  Object.assign(guest, { loggedOn: false, nics: [], devices: [] });
  from.log('relocated', { userid: guest.userid, to: to.zhcpNode });
  for (const { nic, vswitch, port } of coupled) to.couple(there, nic, vswitch, port);
  return null;
}
