import { z } from 'zod';
import type { Vswitch } from '../vswitch/vswitch.ts';

/** A member of an SSI cluster: its z/VM system, and the zHCP that reaches it. Each is absent where nobody has told it. */
export const SsiMember = z.object({ system: z.string().optional(), zhcp: z.string().optional() });
export type SsiMember = z.infer<typeof SsiMember>;

/** The SSI cluster of a host, with all of its members. */
export const SsiCluster = z.object({ name: z.string().optional(), members: z.array(SsiMember).readonly() });
export type SsiCluster = z.infer<typeof SsiCluster>;

/** The server's name of a member: with xCAT the node of its zHCP. */
export type MemberName = string;

/** The VSWITCHes of one member, with the grants there. `member` is absent of the host itself. */
export type MemberVswitches = { member?: MemberName; vswitches: readonly Vswitch[] };

/** A guest's place in the cluster of its host (docs/reference/zvm.md 7). */
export type PlaceInCluster = {
  /** The other member that runs it. Absent: it runs on the host itself, or nowhere. */
  runsOn?: MemberName;
  /** The members where it does not run, as far as they could be read: grants are theirs, the directory is everybody's. */
  others: readonly MemberVswitches[];
};

/** The cluster as it is shown: `ZVMSSI: ZVM1 (zhcp1), ZVM2 (zhcp2)`. */
export function clusterText({ name, members }: SsiCluster): string {
  const shown = members.map(({ system, zhcp }) => {
    if (system === undefined) return zhcp ?? 'unknown';
    return zhcp === undefined ? `${system} (no zHCP)` : `${system} (${zhcp})`;
  });
  return `${name === undefined ? '' : `${name}: `}${shown.join(', ')}`;
}
