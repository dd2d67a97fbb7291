import type { VswitchName } from './identifiers.ts';
import type { Rdev } from './rdev.ts';
import { type Refusal, refusal } from './refusal.ts';
import type { Vswitch } from './vswitch.ts';

/** A VSWITCH as a host's configuration wants it. */
export type VswitchSettings = {
  name: VswitchName;
  transport: 'ETHERNET' | 'IP';
  vlanAware: boolean;
  /** Flat ports are allowed on it: an aware one then needs a default VLAN. */
  flat?: boolean;
  portSelection: 'USERBASED' | 'PORTBASED';
  /** Uplinks, the preferred one first. None: whatever the VSWITCH has, and none for a new one. */
  rdevs: readonly Rdev[];
};

/** One change to a VSWITCH. One that disturbs takes the NICs on it off the network for a moment. */
export type VswitchStep = (
  | { kind: 'createVswitch'; settings: VswitchSettings }
  | { kind: 'setUplinks'; vswitch: VswitchName; rdevs: readonly Rdev[] }
  | { kind: 'removeVswitch'; vswitch: VswitchName }
) & { disturbs: boolean };

/** What a VSWITCH operation comes to. */
export type VswitchDecision = { steps: VswitchStep[]; refusals: Refusal[] };

/** Around a VSWITCH that is to be changed. */
export type VswitchSurroundings = {
  host: string;
  vswitches: readonly Vswitch[];
  /** As the host's configuration wants it; absent when it does not name it. */
  settings: VswitchSettings | undefined;
  /** VSWITCHes that the management node's own NICs are on: an administrator's (contract xcat.md 5.12). */
  administrators: readonly VswitchName[];
};

/** Create a VSWITCH, or change what z/VM can change in place; what it cannot is refused with the reason. */
export function planVswitch(name: VswitchName, around: VswitchSurroundings): VswitchDecision {
  const settings = around.settings;
  const refusals = refuseForeign(name, around);
  if (settings === undefined || refusals.length > 0) return { steps: [], refusals };
  const vswitch = around.vswitches.find((candidate) => candidate.name === name);
  if (vswitch === undefined) return { steps: [{ kind: 'createVswitch', settings, disturbs: false }], refusals };
  refusals.push(...refuseUnclear(vswitch, settings));
  if (refusals.length === 0) refusals.push(...refuseUnchangeable(settings, vswitch));
  if (refusals.length > 0 || sameRdevs(settings, vswitch)) return { steps: [], refusals };
  const disturbs = vswitch.uplinks.length > 0;
  return { steps: [{ kind: 'setUplinks', vswitch: name, rdevs: settings.rdevs, disturbs }], refusals };
}

/** Delete a VSWITCH that nobody uses, or, forced, one that NICs are coupled to or ports recorded on. */
export function planVswitchRemoval(
  name: VswitchName,
  around: VswitchSurroundings,
  recordedPorts: number,
  force: boolean,
): VswitchDecision {
  const refusals = refuseForeign(name, around);
  const vswitch = around.vswitches.find((candidate) => candidate.name === name);
  if (vswitch === undefined || refusals.length > 0) return { steps: [], refusals };
  const users = [...new Set(vswitch.nics.map((nic) => nic.userid))];
  if (!force && users.length > 0) {
    const reason = `NICs of ${users.slice(0, 10).join(', ')}${users.length > 10 ? ' and others' : ''} are coupled to ${name}`;
    refusals.push(refusal('vswitch', reason, 'detach them first, or set force'));
  }
  if (!force && recordedPorts > 0) {
    const reason = `${recordedPorts} port(s) are recorded on ${name}`;
    refusals.push(refusal('vswitch', reason, 'delete or move them first, or set force'));
  }
  if (refusals.length > 0) return { steps: [], refusals };
  return { steps: [{ kind: 'removeVswitch', vswitch: name, disturbs: users.length > 0 }], refusals };
}

function refuseForeign(name: VswitchName, { host, settings, administrators }: VswitchSurroundings): Refusal[] {
  if (administrators.includes(name)) {
    const reason = `VSWITCH ${name} is an administrator's: the management node's own NICs are on it`;
    return [refusal('vswitch', reason, 'use another VSWITCH for guests')];
  }
  if (settings !== undefined) return [];
  const reason = `VSWITCH ${name} is not in the configuration of ${host}`;
  return [refusal('vswitch', reason, 'name it in vswitch_mappings, flat_networks or network_vlan_ranges')];
}

/** Where not all is shown, nothing is changed. */
function refuseUnclear(vswitch: Vswitch, settings: VswitchSettings): Refusal[] {
  const { name, unclear, uplinksHidden } = vswitch;
  const advice = `look at it by CP QUERY VSWITCH ${name} DETAILS`;
  if (unclear !== undefined) return [refusal('vswitch', `VSWITCH ${name}: ${unclear}`, advice)];
  if (uplinksHidden !== true || sameRdevs(settings, vswitch)) return [];
  return [refusal('vswitch', `VSWITCH ${name}: not all of its real devices are shown`, advice)];
}

function refuseUnchangeable(settings: VswitchSettings, vswitch: Vswitch): Refusal[] {
  const layer = (transport: string) => (transport === 'ETHERNET' ? 'layer 2' : 'layer 3');
  const aware = (is: boolean) => (is ? 'VLAN-aware' : 'VLAN-unaware');
  const based = (selection: string) => (selection === 'USERBASED' ? 'user-based' : 'port-based');
  const differs = [
    [layer(vswitch.transport), layer(settings.transport)],
    [aware(vswitch.vlanAware), aware(settings.vlanAware)],
    [based(vswitch.portSelection), based(settings.portSelection)],
  ];
  return differs
    .filter(([is, wanted]) => is !== wanted)
    .map(([is, wanted]) =>
      refusal(
        'vswitch',
        `VSWITCH ${vswitch.name} is ${is}, the configuration wants it ${wanted}: z/VM cannot change that in place`,
        'change the configuration, or delete the VSWITCH and have it created again',
      ),
    );
}

// Which of them is active is z/VM's affair: the order only says which is preferred.
function sameRdevs(settings: VswitchSettings, vswitch: Vswitch): boolean {
  if (settings.rdevs.length === 0) return true;
  const device = (rdev: string) => Number.parseInt(rdev, 16);
  const numbers = (rdevs: readonly string[]) => rdevs.map(device).sort((one, other) => one - other);
  return numbers(settings.rdevs).join() === numbers(vswitch.uplinks.map((uplink) => uplink.rdev)).join();
}
