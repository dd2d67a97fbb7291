import { defined } from '../defined.ts';
import { type Desired, type DesiredPort, removedVdevs } from '../guest/desired.ts';
import { type GuestState, type Nicdef, standsInEntry } from '../guest/guest.ts';
import { type NicRights, operandsOf, rightsOf } from '../guest/kept-attributes.ts';
import { lostOperands, namesAccess, sameAuthorization } from '../guest/nicdef-authorization.ts';
import { directoryAuthorizes, type HostCapabilities, nicdefTakesPortNumber } from '../host/host-capabilities.ts';
import { macId } from '../port/mac.ts';
import type { Vdev } from '../port/vdev.ts';
import { isLeftToLogon } from './live-plan.ts';
import { namesOtherVlans } from './port-authority.ts';
import type { Step } from './steps.ts';

/**
 * Plan the guest's NICDEFs: those that go or are made anew, before all that is authorised, and those that come. One that names no VSWITCH gives
 * no access: it goes just before the one that comes, so that both are one change of the entry.
 */
export function planDirectory(
  desired: Desired,
  guest: GuestState,
  capabilities: HostCapabilities | undefined,
  /** NICs that are without their grant or port number in between. */
  unauthorised: ReadonlySet<Vdev>,
): { takeAway: Step[]; define: Step[] } {
  const takeAway: Step[] = [];
  const replace: Step[] = [];
  const define: Step[] = [];
  const { userid } = guest;
  const removal = (vdev: Vdev): Step => ({ kind: 'removeDirectoryNic', userid, vdev, disturbs: false });
  // A statement of a profile is every user's, one of a SUBCONFIG a member's: no step of a guest changes them.
  const own = guest.directory.filter(standsInEntry);
  const removed = removedVdevs(desired, guest);
  for (const nic of own.filter(({ vdev }) => removed.has(vdev))) takeAway.push(removal(nic.vdev));
  for (const port of desired.ports) {
    const nic = own.find(({ vdev }) => vdev === port.vdev);
    const statement = statementOf(port, nic, rightsIn(desired, port.vdev, capabilities), capabilities);
    // A statement that authorises by itself would bring its NIC to the default VLAN meanwhile.
    const isAlone = nic !== undefined && unauthorised.has(nic.vdev) && mayAuthoriseAlone(nic, capabilities);
    const isRight =
      nic !== undefined && isAsWanted(nic, statement, port) && !namesOtherVlans(port, guest, capabilities);
    if (isRight && !isAlone) continue;
    if (nic !== undefined) (nic.vswitch === undefined ? replace : takeAway).push(removal(nic.vdev));
    const lost = lostOperands(nic?.others, statement.authorization ?? {});
    const isLater = guest.loggedOn && isLeftToLogon(port, capabilities);
    define.push({
      kind: 'ensureDirectoryNic',
      userid,
      vdev: port.vdev,
      ...statement,
      ...operandsOf(desired.kept, port.vdev),
      ...defined({ lost, atNextLogon: isLater ? (true as const) : undefined }),
      disturbs: false,
    });
  }
  return { takeAway, define: [...replace, ...define] };
}

function mayAuthoriseAlone({ vswitch, authorization }: Nicdef, capabilities: HostCapabilities | undefined): boolean {
  if (vswitch === undefined || !directoryAuthorizes(capabilities)) return false;
  return namesAccess(authorization) || capabilities?.behaviour?.nicdefAlone !== 'refused';
}

type Statement = Pick<Nicdef, 'macId' | 'vswitch' | 'portNumber' | 'authorization'>;

/** An administratively down port keeps its NIC, but is not coupled at the next logon, nor may its guest couple it. */
function statementOf(
  { mac, adminStateUp, vswitch, portNumber, authorization }: DesiredPort,
  nic: Nicdef | undefined,
  rights: NicRights,
  capabilities: HostCapabilities | undefined,
): Statement {
  const isOff = authorization !== undefined && !adminStateUp;
  const named = { ...(adminStateUp ? authorization : {}), ...rights };
  return defined({
    macId: mac === undefined ? nic?.macId : macId(mac),
    vswitch: adminStateUp ? vswitch : undefined,
    portNumber: nicdefTakesPortNumber(capabilities) && !isOff ? portNumber : undefined,
    authorization: Object.keys(named).length === 0 ? undefined : named,
  });
}

function isAsWanted(nic: Nicdef, { macId: id, vswitch, portNumber, authorization }: Statement, port: DesiredPort) {
  if (nic.vswitch !== vswitch || nic.macId !== id || nic.portNumber !== portNumber) return false;
  return port.authorization === undefined || sameAuthorization(authorization, nic.authorization);
}

/** Rights are written again where z/VM knows such operands; elsewhere they are lost with the statement. */
function rightsIn({ kept }: Desired, vdev: Vdev, capabilities: HostCapabilities | undefined): NicRights {
  const value = capabilities?.directoryNetworkAuthorization;
  const isKnown = value?.state === 'known' && value.value !== 'absent';
  return isKnown ? rightsOf(kept, vdev) : {};
}
