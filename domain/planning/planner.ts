import { defined } from '../defined.ts';
import { stuckPorts } from '../drift/unclear-ports.ts';
import { type Desired, type DesiredPort, removedVdevs } from '../guest/desired.ts';
import type { GuestState, LiveNic } from '../guest/guest.ts';
import { operandsOf } from '../guest/kept-attributes.ts';
import { sameAuthorization } from '../guest/nicdef-authorization.ts';
import { macId } from '../port/mac.ts';
import type { Vdev } from '../port/vdev.ts';
import type { VswitchName } from '../text/identifiers.ts';
import type { Vswitch } from '../vswitch/vswitch.ts';
import { planAuthorisations } from './authorisation-plan.ts';
import { onMember, planOtherMembers } from './member-plan.ts';
import { planPortNumbers } from './port-number-plan.ts';
import { type RecordStep, type Step, stagesOf } from './steps.ts';

/** Plans the steps on the record of a guest; each backend has its own. */
export type PlanRecord = (desired: Desired, guest: GuestState) => RecordStep[];

/**
 * The steps from what is to what should be, in an order in which stopping after any of them leaves the guest with no access that it
 * has neither before nor after: record, take away, authorise, define, couple, forget. The plan of a state that is right is empty.
 * Nothing that is neither recorded nor desired (foreign NICs, foreign authorisations) has no step, nor has a port that is left as it is since
 * nobody can read it, or that would take such a port along.
 */
export function plan(
  wanted: Desired,
  guest: GuestState,
  vswitches: readonly Vswitch[],
  planRecord: PlanRecord,
): Step[] {
  const stuck = new Set(stuckPorts(wanted.ports, wanted.removed, guest, vswitches).map(({ port }) => port));
  const desired = { ...wanted, ports: wanted.ports.filter((port) => !stuck.has(port)) };
  const authorisations = planAuthorisations(desired, guest, vswitches);
  const portNumbers = planPortNumbers(desired, guest, vswitches);
  const live = planLive(desired, guest, authorisations.regranted, portNumbers.renumbered);
  const directory = planDirectory(desired, guest);
  const { record, forget } = stagesOf(desired.recordStays === true ? [] : planRecord(desired, guest));
  const configure = [
    ...live.takeAway,
    ...portNumbers.takeAway,
    ...directory.takeAway,
    ...authorisations.revoke,
    ...authorisations.grant,
    ...portNumbers.give,
    ...directory.define,
    ...live.define,
  ];
  const others = planOtherMembers(desired, guest);
  return [...record, ...onMember(configure, guest.cluster?.runsOn), ...others, ...forget];
}

type Halves = { takeAway: Step[]; define: Step[] };

function planLive(
  desired: Desired,
  guest: GuestState,
  regranted: ReadonlySet<VswitchName>,
  renumbered: ReadonlySet<Vdev>,
): Halves {
  const takeAway: Step[] = [];
  const define: Step[] = [];
  if (!guest.loggedOn) return { takeAway, define };
  const { userid } = guest;
  const uncouple = ({ vdev, vswitch }: LiveNic) => {
    if (vswitch !== undefined) takeAway.push({ kind: 'ensureUncoupled', userid, vdev, vswitch, disturbs: true });
  };
  const remove = (nic: LiveNic) => {
    uncouple(nic);
    takeAway.push({ kind: 'removeLiveNic', userid, vdev: nic.vdev, disturbs: false });
  };
  for (const nic of removedNics(desired, guest, guest.live)) remove(nic);
  for (const port of desired.ports) {
    const { vdev, vswitch, portNumber } = port;
    const nic = guest.live.find((candidate) => candidate.vdev === vdev);
    const wanted = port.live === 'present' || (port.live === 'asIs' && nic !== undefined);
    if (!wanted) {
      if (nic !== undefined) remove(nic);
      continue;
    }
    const wrongMac = nic?.mac !== undefined && port.mac !== undefined && nic.mac !== port.mac;
    const moved = nic?.vswitch !== vswitch || regranted.has(vswitch) || renumbered.has(vdev);
    const coupledRight = !moved && port.adminStateUp && !wrongMac;
    if (nic !== undefined && wrongMac) remove(nic);
    else if (nic !== undefined && !coupledRight) uncouple(nic);
    if (nic === undefined || wrongMac)
      define.push({ kind: 'ensureLiveNic', userid, vdev, ...idOf(port), disturbs: false });
    if (port.adminStateUp && !coupledRight) {
      define.push({ kind: 'ensureCoupled', userid, vdev, vswitch, ...defined({ portNumber }), disturbs: false });
    }
  }
  return { takeAway, define };
}

function idOf({ mac }: DesiredPort): { macId?: string } {
  return mac === undefined ? {} : { macId: macId(mac) };
}

function planDirectory(desired: Desired, guest: GuestState): Halves {
  const takeAway: Step[] = [];
  const define: Step[] = [];
  const { userid } = guest;
  const remove = (vdev: Vdev) => takeAway.push({ kind: 'removeDirectoryNic', userid, vdev, disturbs: false });
  // A statement of a profile is every user's: no step of one guest changes it.
  const own = guest.directory.filter(({ profile }) => profile === undefined);
  for (const nic of removedNics(desired, guest, own)) remove(nic.vdev);
  for (const { vdev, portNumber, mac, adminStateUp, vswitch: name, authorization } of desired.ports) {
    const nic = own.find((candidate) => candidate.vdev === vdev);
    // An administratively down port keeps its NIC, but is not coupled at the next logon.
    const vswitch = adminStateUp ? name : undefined;
    const id = mac === undefined ? nic?.macId : macId(mac);
    const isAuthorized = authorization === undefined || sameAuthorization(authorization, nic?.authorization);
    const isAsWanted = nic?.vswitch === vswitch && nic?.macId === id && nic?.portNumber === portNumber && isAuthorized;
    if (nic !== undefined && isAsWanted) continue;
    if (nic !== undefined) remove(nic.vdev);
    define.push({
      kind: 'ensureDirectoryNic',
      userid,
      vdev,
      ...defined({ macId: id, vswitch, portNumber, authorization }),
      ...operandsOf(desired.kept, vdev),
      ...defined({ lost: nic?.others }),
      disturbs: false,
    });
  }
  return { takeAway, define };
}

function removedNics<Nic extends { vdev: Vdev }>(desired: Desired, guest: GuestState, nics: readonly Nic[]): Nic[] {
  const removed = removedVdevs(desired, guest);
  return nics.filter((nic) => removed.has(nic.vdev));
}
