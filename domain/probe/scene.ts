import { absenceRefusal } from '../guest/absence.ts';
import type { GuestState } from '../guest/guest.ts';
import { takenDevices } from '../guest/taken-devices.ts';
import type { ConfiguredRules } from '../host/host.ts';
import { type Refusal, refusal } from '../planning/refusal.ts';
import { devicesOverlap, Vdev, vdevNumber } from '../port/vdev.ts';
import { type Userid, VswitchName } from '../text/identifiers.ts';
import type { Vswitch } from '../vswitch/vswitch.ts';

/** The place where questions are asked: an expendable guest, a VSWITCH, device numbers and VLANs that nothing else uses. */
export type ProbeScene = {
  userid: Userid;
  vswitch: VswitchName;
  /** The VSWITCH is made by the probe, without an uplink, and deleted at its end. */
  isOwnVswitch: boolean;
  /** Three NICs, one behind the other. */
  vdevs: readonly [Vdev, Vdev, Vdev];
  vlans: readonly [number, number];
  /** The guest was logged on before. */
  wasRunning: boolean;
  /** The guest may be logged off and on. */
  mayLogOff: boolean;
};

/** The VSWITCH that the probe makes, and the one that it makes and deletes at once. */
export const PROBE_VSWITCH = VswitchName.parse('ZVMPROBE');
export const SECOND_VSWITCH = VswitchName.parse('ZVMPROB2');

const FIRST_PLACE = 0x0f00;
const PLACES = 0xf0;
/** Three NICs of three devices, and one device beside them that a NIC may overlap. */
const DEVICES = 9;
const HIGHEST_VLAN = 4094;

export type SceneRequest = { vswitch?: VswitchName | undefined; mayLogOff: boolean };

/** All that the choice of a scene looks at. */
export type SceneContext = {
  guest: GuestState;
  vswitches: readonly Vswitch[];
  rules: ConfiguredRules;
  /** The guest of the management node's agent, whose NICs are no ports. */
  agent: Userid;
  /** VSWITCHes that an administrator made for the management node. */
  administrators: readonly VswitchName[];
};

/**
 * Choose the scene, or refuse a guest or a VSWITCH that is not expendable. Nothing has been touched. A scene that a terminated probe has left is
 * taken over, to be cleared.
 */
export function sceneFor(
  request: SceneRequest,
  context: SceneContext,
): { scene: ProbeScene } | { refusals: Refusal[] } {
  const { guest } = context;
  const left = leftNics(context);
  const refusals = [...refuseGuest(context, left), ...refuseVswitch(request, context)];
  const place = left.size > 0 ? FIRST_PLACE : freePlace(guest);
  if (place === undefined)
    refusals.push(refusal('userid', 'has no nine free device numbers in a row', 'use another guest'));
  if (refusals.length > 0 || place === undefined) return { refusals };
  const vswitch = request.vswitch ?? PROBE_VSWITCH;
  const scene: ProbeScene = {
    userid: guest.userid,
    vswitch,
    isOwnVswitch: request.vswitch === undefined,
    vdevs: [vdevAt(place), vdevAt(place + 3), vdevAt(place + 6)],
    vlans: freeVlans(context.vswitches.find(({ name }) => name === vswitch)),
    wasRunning: guest.loggedOn,
    mayLogOff: request.mayLogOff,
  };
  return { scene };
}

/** NICs that a probe has left: only a probe makes its VSWITCH. */
function leftNics({ guest, vswitches }: SceneContext): ReadonlySet<Vdev> {
  if (!vswitches.some(({ name }) => name === PROBE_VSWITCH)) return new Set();
  const vdevs = [...guest.directory, ...guest.live].map(({ vdev }) => vdev);
  return new Set(vdevs.filter((vdev) => isOnScene({ vdevs: [vdevAt(FIRST_PLACE)] }, vdev)));
}

/** True for a device number of the scene. */
export function isOnScene({ vdevs: [first] }: { vdevs: readonly [Vdev, ...Vdev[]] }, vdev: Vdev): boolean {
  const place = vdevNumber(vdev) - vdevNumber(first);
  return place >= 0 && place < DEVICES;
}

/** All device numbers of the scene. */
export function devicesOfScene({ vdevs: [first] }: Pick<ProbeScene, 'vdevs'>): Vdev[] {
  return Array.from({ length: DEVICES }, (_, index) => vdevAt(vdevNumber(first) + index));
}

function refuseGuest({ guest, rules, agent }: SceneContext, left: ReadonlySet<Vdev>): Refusal[] {
  const { userid, recorded, directory, live, absence } = guest;
  if (absence !== undefined) return [absenceRefusal(userid, rules, absence)];
  if (userid === agent || userid === rules.dhcpUserid)
    return [refusal('userid', `${userid} serves the host`, 'use an expendable guest')];
  if (recorded.length > 0)
    return [
      refusal('userid', `${userid} has ${recorded.length} recorded port(s)`, 'use an expendable guest without ports'),
    ];
  const vdevs = [...new Set([...directory, ...live].map(({ vdev }) => vdev))].filter((vdev) => !left.has(vdev));
  if (vdevs.length === 0) return [];
  const advice = 'use an expendable guest, or remove its NICs from its directory entry and from the running guest';
  return [refusal('userid', `${userid} has NICs: ${vdevs.toSorted().join(', ')}`, advice)];
}

function refuseVswitch(
  { vswitch: wanted }: SceneRequest,
  { guest, vswitches, administrators }: SceneContext,
): Refusal[] {
  const found = vswitches.find(({ name }) => name === (wanted ?? PROBE_VSWITCH));
  const refuse = (reason: string, advice: string) => [refusal('vswitch', reason, advice)];
  if (wanted === undefined) {
    const other = found?.nics.find(({ userid }) => userid !== guest.userid)?.userid;
    if (other === undefined) return [];
    return refuse(`a probe on ${other} has left ${PROBE_VSWITCH}`, `probe on ${other} again, which clears it`);
  }
  if (found === undefined) return refuse(`z/VM has no VSWITCH ${wanted}`, 'name one that exists, or none');
  if (administrators.includes(wanted))
    return refuse(`an administrator made ${wanted} for the management node`, 'name another one, or none');
  if (found.unclear !== undefined)
    return refuse(`VSWITCH ${wanted} cannot be read: ${found.unclear}`, 'name another one, or none');
  if (!found.vlanAware) return refuse(`VSWITCH ${wanted} knows no VLANs`, 'name an aware one, or none');
  if (found.portSelection !== 'USERBASED')
    return refuse(`VSWITCH ${wanted} is not user-based`, 'name a user-based one, or none');
  if (found.authorisations.some(({ userid }) => userid === guest.userid))
    return refuse(`${guest.userid} is authorised on ${wanted}`, 'revoke it there, or name another one');
  return [];
}

function freePlace(guest: GuestState): number | undefined {
  const taken = takenDevices(guest, []);
  const places = Array.from({ length: PLACES }, (_, index) => FIRST_PLACE + index * 0x10);
  return places.find((first) => {
    const wanted = { first, count: DEVICES, what: 'the probe' };
    return !taken.some((range) => devicesOverlap(wanted, range));
  });
}

/** The two highest VLANs that no authorisation of the VSWITCH names: nobody is reached on them. */
function freeVlans(vswitch: Vswitch | undefined): [number, number] {
  const used = new Set(vswitch?.authorisations.flatMap(({ vlans }) => vlans));
  const free: number[] = [];
  for (let vlan = HIGHEST_VLAN; vlan > 0 && free.length < 2; vlan -= 1)
    if (!used.has(vlan) && vlan !== vswitch?.defaultVlan && vlan !== vswitch?.nativeVlan) free.push(vlan);
  const [first = HIGHEST_VLAN, second = HIGHEST_VLAN - 1] = free;
  return [first, second];
}

function vdevAt(number: number): Vdev {
  return Vdev.parse(number.toString(16));
}
