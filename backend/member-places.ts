import type { RecordedPort } from '../domain/guest/guest.ts';
import type { MemberName } from '../domain/host/ssi-cluster.ts';
import type { NodeName, Userid } from '../domain/text/identifiers.ts';
import { partsByUserid, type Vswitch } from '../domain/vswitch/vswitch.ts';
import type { HostReading } from './reading.ts';

type OfCluster = Pick<HostReading, 'vswitches' | 'members'>;

/** Where a guest is coupled: the other member that runs it, and the VSWITCHes there, as the guest is on them. */
export type CoupledAt = { member?: MemberName; vswitches: readonly Vswitch[] };

/**
 * Where guests are coupled, as far as the VSWITCHes of the cluster show it. A guest without a coupled NIC anywhere is taken to be on the host:
 * only its own reading can tell.
 */
export function coupledAt({ vswitches, members }: OfCluster): (userid: Userid) => CoupledAt {
  const partsHere = partsByUserid(vswitches);
  if (members.length === 0) return (userid) => ({ vswitches: partsHere(userid) });
  const here = coupledUserids(vswitches);
  const elsewhere = new Map(
    members.flatMap(({ member, vswitches: there }) => {
      const parts = partsByUserid(there);
      return [...coupledUserids(there)].map((userid): [Userid, () => CoupledAt] => [
        userid,
        () => ({ member, vswitches: parts(userid) }),
      ]);
    }),
  );
  return (userid) => (here.has(userid) ? undefined : elsewhere.get(userid)?.()) ?? { vswitches: partsHere(userid) };
}

/** Userids with a coupled NIC on any of the VSWITCHes. */
export function coupledUserids(vswitches: readonly Vswitch[]): Set<Userid> {
  return new Set(vswitches.flatMap(({ nics }) => nics.flatMap(({ userid }) => userid ?? [])));
}

/** A guest of another member with ports, and what that member's host records of it. */
export type MemberGuest = { userid: Userid; node: NodeName; member: MemberName; recorded: readonly RecordedPort[] };

/** The guests with ports that belong to other members of the cluster. */
export function guestsOfMembers({ members }: OfCluster): MemberGuest[] {
  return members.flatMap(({ member, record }) => {
    const nodes = new Map([...record.nodes].map(([node, userid]) => [userid, node]));
    return [...record.recorded].flatMap(([userid, recorded]): MemberGuest[] => {
      const node = nodes.get(userid);
      return node === undefined ? [] : [{ userid, node: node as NodeName, member, recorded }];
    });
  });
}
