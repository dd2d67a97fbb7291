import { type HostRules, serverName } from '../host/host.ts';
import { type Refusal, refusal } from '../planning/refusal.ts';
import type { Userid } from '../text/identifiers.ts';

/** The reason why a guest can get nothing on this host. Its remains can be removed all the same. */
export type Absence =
  /** The inventory has it on the system of another zHCP. `inCluster`: a member of the same SSI cluster, whose host alone changes the guest. */
  | { kind: 'elsewhere'; zhcp: string; inCluster?: true }
  /** The inventory does not have it; `remains`: z/VM has it nevertheless, in the directory or logged on. */
  | { kind: 'unknown'; remains: boolean }
  /** The user directory has no entry for it; `remains`: it is still logged on. */
  | { kind: 'undefined'; remains: boolean };

/** True when neither z/VM nor its directory has the guest any more. */
export function isGone(absence: Absence | undefined): boolean {
  return absence !== undefined && absence.kind !== 'elsewhere' && !absence.remains;
}

/** Why nothing can be given to the guest, as the refusal of a request. */
export function absenceRefusal(
  userid: Userid,
  { host, server = 'xcat' }: Pick<HostRules, 'host' | 'server'>,
  absence: Absence,
): Refusal {
  const define = server === 'feilong' ? 'define the guest on z/VM' : 'define the guest in xCAT';
  switch (absence.kind) {
    case 'elsewhere': {
      const reason = `guest ${userid} belongs to ${absence.zhcp}, not to host ${host}`;
      if (absence.inCluster === true)
        return refusal(
          'userid',
          reason,
          `send the request to the host of ${absence.zhcp}, a member of the same SSI cluster`,
        );
      return refusal('userid', reason, `check userid and host, or ${define}`);
    }
    case 'unknown':
      return refusal('userid', `${serverName(server)} knows no guest ${userid}`, `check userid and host, or ${define}`);
    case 'undefined': {
      const reason = `the user directory of ${host} has no guest ${userid}`;
      const correct = server === 'feilong' ? '' : " correct its userid in xCAT's zvm table,";
      const advice = `define the guest on z/VM,${correct} or delete its ports`;
      // Nova records a port before it makes the guest.
      return { ...refusal('userid', reason, advice), transient: true };
    }
  }
}
