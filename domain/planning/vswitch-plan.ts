import type { Userid, VswitchName } from '../text/identifiers.ts';
import type { Rdev } from '../vswitch/rdev.ts';
import { type FormerVswitch, formerOf, type Vswitch } from '../vswitch/vswitch.ts';
import { type Refusal, refusal } from './refusal.ts';

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
  | { kind: 'setUplinks'; vswitch: VswitchName; rdevs: readonly Rdev[]; before?: FormerVswitch }
  | { kind: 'removeVswitch'; vswitch: VswitchName; before?: FormerVswitch }
) & { disturbs: boolean };

/** The steps of a VSWITCH operation, or its refusals. */
export type VswitchDecision = { steps: VswitchStep[]; refusals: Refusal[] };

/** All that a decision about a VSWITCH looks at. */
export type VswitchContext = {
  host: string;
  vswitches: readonly Vswitch[];
  /** As the host's configuration wants it; absent when it does not name it. */
  settings: VswitchSettings | undefined;
  /** The real devices that it had when it was seen last: one that is made anew gets them where the configuration names none. */
  hadRdevs?: readonly Rdev[];
  /** VSWITCHes that the management node's own NICs are on: an administrator's (docs/reference/zvm.md 3.5). */
  administrators: readonly VswitchName[];
};

/** Create a VSWITCH, or change what z/VM can change in place; what it cannot is refused with the reason. */
export function planVswitch(name: VswitchName, context: VswitchContext): VswitchDecision {
  const settings = context.settings;
  const refusals = refuseForeign(name, context);
  if (settings === undefined || refusals.length > 0) return { steps: [], refusals };
  const vswitch = context.vswitches.find((candidate) => candidate.name === name);
  if (vswitch === undefined) {
    const rdevs = settings.rdevs.length > 0 ? settings.rdevs : (context.hadRdevs ?? []);
    return { steps: [{ kind: 'createVswitch', settings: { ...settings, rdevs }, disturbs: false }], refusals };
  }
  refusals.push(...refuseUnclear(vswitch, settings));
  if (refusals.length === 0) refusals.push(...refuseUnchangeable(settings, vswitch));
  if (refusals.length > 0 || sameRdevs(settings, vswitch)) return { steps: [], refusals };
  const disturbs = vswitch.uplinks.length > 0;
  const before = formerOf(vswitch);
  return { steps: [{ kind: 'setUplinks', vswitch: name, rdevs: settings.rdevs, before, disturbs }], refusals };
}

/** Ports recorded on a VSWITCH, and guests with ports on the host. */
export type RecordedUse = {
  /** Ports that are recorded on the VSWITCH. */
  ports: number;
  /** True for a guest that has a port recorded on the host. */
  isOurs(userid: Userid): boolean;
};

/**
 * Delete a VSWITCH that the configuration names no more, and that nobody uses; forced, also one that NICs of our guests are coupled to or ports recorded
 * on. One that it names is refused: reconciliation would make it again.
 */
export function planVswitchRemoval(
  name: VswitchName,
  context: VswitchContext,
  recorded: RecordedUse,
  force: boolean,
): VswitchDecision {
  const refusals = [...refuseAdministrators(name, context), ...refuseConfigured(name, context)];
  const vswitch = context.vswitches.find((candidate) => candidate.name === name);
  if (vswitch === undefined || refusals.length > 0) return { steps: [], refusals };
  const users = [...new Set(vswitch.nics.map((nic) => nic.userid))];
  const others = (userids: readonly (Userid | undefined)[]) =>
    userids.filter((userid) => userid === undefined || !recorded.isOurs(userid));
  const coupled = others(users);
  if (coupled.length > 0) {
    const reason = `foreign NICs of ${named(coupled)} are coupled to ${name}`;
    refusals.push(refusal('vswitch', reason, 'have their administrator uncouple them first'));
  }
  const authorised = others(vswitch.authorisations.map(({ userid }) => userid));
  if (!force && authorised.length > 0) {
    const reason = `${named(authorised)} are authorised on ${name} without a recorded port`;
    refusals.push(refusal('vswitch', reason, 'revoke them first, or set force'));
  }
  if (!force && users.length > coupled.length) {
    const reason = `NICs of ${named(users.filter((userid) => !coupled.includes(userid)))} are coupled to ${name}`;
    refusals.push(refusal('vswitch', reason, 'detach them first, or set force'));
  }
  if (!force && recorded.ports > 0) {
    const reason = `${recorded.ports} port(s) are recorded on ${name}`;
    refusals.push(refusal('vswitch', reason, 'delete or move them first, or set force'));
  }
  if (refusals.length > 0) return { steps: [], refusals };
  const before = formerOf(vswitch);
  return { steps: [{ kind: 'removeVswitch', vswitch: name, before, disturbs: users.length > 0 }], refusals };
}

const MOST_NAMED = 10;

function named(userids: readonly (Userid | undefined)[]): string {
  const some = userids.slice(0, MOST_NAMED).map((userid) => userid ?? 'a guest that z/VM does not name');
  return `${some.join(', ')}${userids.length > MOST_NAMED ? ' and others' : ''}`;
}

function refuseAdministrators(name: VswitchName, { administrators }: VswitchContext): Refusal[] {
  if (!administrators.includes(name)) return [];
  const reason = `VSWITCH ${name} belongs to an administrator: NICs of the management node are on it`;
  return [refusal('vswitch', reason, 'use another VSWITCH for guests')];
}

function refuseConfigured(name: VswitchName, { host, settings }: VswitchContext): Refusal[] {
  if (settings === undefined) return [];
  const reason = `VSWITCH ${name} is in the configuration of ${host}: reconciliation would create it again`;
  const advice =
    'remove it from vswitch_mappings, flat_networks and network_vlan_ranges, restart the workers of the host, then delete it';
  return [refusal('vswitch', reason, advice)];
}

function refuseForeign(name: VswitchName, context: VswitchContext): Refusal[] {
  const { host, settings } = context;
  const refusals = refuseAdministrators(name, context);
  if (settings !== undefined || refusals.length > 0) return refusals;
  const reason = `VSWITCH ${name} is not in the configuration of ${host}`;
  return [refusal('vswitch', reason, 'name it in vswitch_mappings, flat_networks or network_vlan_ranges')];
}

/** Where not all is shown, nothing is changed. */
function refuseUnclear(vswitch: Vswitch, settings: VswitchSettings): Refusal[] {
  const { name, unclear, uplinksHidden } = vswitch;
  const advice = `check it by CP QUERY VSWITCH ${name} DETAILS`;
  if (unclear !== undefined) return [refusal('vswitch', `VSWITCH ${name}: ${unclear}`, advice)];
  if (uplinksHidden !== true || sameRdevs(settings, vswitch)) return [];
  return [refusal('vswitch', `VSWITCH ${name}: the answer of z/VM lacks some of its real devices`, advice)];
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
        `VSWITCH ${vswitch.name} is ${is}, but configured as ${wanted}: z/VM cannot change that in place`,
        'change the configuration, or delete the VSWITCH and create it again',
      ),
    );
}

// z/VM decides which of them is active: the order only says which is preferred.
function sameRdevs(settings: VswitchSettings, vswitch: Vswitch): boolean {
  if (settings.rdevs.length === 0) return true;
  const device = (rdev: string) => Number.parseInt(rdev, 16);
  const numbers = (rdevs: readonly string[]) => rdevs.map(device).sort((one, other) => one - other);
  return numbers(settings.rdevs).join() === numbers(vswitch.uplinks.map((uplink) => uplink.rdev)).join();
}
