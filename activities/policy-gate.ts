import type { Desired } from '../domain/guest/desired.ts';
import type { RecordedPort } from '../domain/guest/guest.ts';
import type { ManagementStep } from '../domain/host/management-network.ts';
import type { Step } from '../domain/planning/steps.ts';
import type { VswitchStep } from '../domain/planning/vswitch-plan.ts';
import { decidePolicy, type PlannedForPolicy } from '../domain/policy/decision.ts';
import { isNamed, type PolicyQuestion, type Wait } from '../domain/policy/verdict.ts';
import { vlansOf } from '../domain/port/port.ts';
import type { PortId, Userid, VswitchName } from '../domain/text/identifiers.ts';
import { refusedFailure } from './failures.ts';
import type { HostRuntime } from './host-runtime.ts';

type Concerned = Omit<PlannedForPolicy, 'host' | 'networks' | 'caller' | 'guests' | 'plan'>;

/** True when a rule of the policy may be about the host. */
export function isGoverned({ policy, rules }: Pick<HostRuntime, 'policy' | 'rules'>): boolean {
  const known = policy()?.rules ?? [];
  return known.some(({ match }) => match.hosts === undefined || isNamed(rules.host, match.hosts));
}

/** The policy's word on a plan that changes something. Undefined when it may be carried out; throws a `Refused` failure when it must not be. */
export function waitFor(
  { policy, rules }: Pick<HostRuntime, 'policy' | 'rules'>,
  plan: string,
  concerned: Concerned,
  { caller, consent, guests = 1 }: PolicyQuestion = { caller: { via: 'temporal' } },
): Wait | undefined {
  const known = policy();
  if (known === undefined) return undefined;
  const networks = rules.vswitches
    .filter(({ vswitch }) => concerned.vswitches.includes(vswitch))
    .map(({ physicalNetwork }) => physicalNetwork);
  const planned = { ...concerned, plan, host: rules.host, networks, caller, guests };
  const verdict = decidePolicy(known, planned, consent, Date.now());
  if (verdict.kind === 'refuse') throw refusedFailure(verdict.refusals);
  return verdict.kind === 'go' ? undefined : verdict;
}

/** A planned change of a guest, as a policy sees it. */
export function concernedOfGuest(
  userid: Userid,
  {
    steps,
    desired,
    before,
    affected,
  }: { steps: readonly Step[]; desired: Desired; before: Desired; affected: readonly PortId[] },
): Concerned {
  const ofSteps = steps.flatMap((step) => ('vswitch' in step && step.vswitch !== undefined ? [step.vswitch] : []));
  // A grant is one for all NICs of the guest on a VSWITCH: other ports there may be interrupted, too.
  const ports = [...desired.ports, ...before.ports].filter(
    ({ portId, vswitch }) => affected.includes(portId) || ofSteps.includes(vswitch),
  );
  const flat = ports.some(({ network }) => network.type === 'flat') ? (['flat'] as const) : [];
  return {
    userid,
    interrupts: steps.some(({ disturbs }) => disturbs),
    deletes: desired.removed.some(({ unwired }) => !unwired) || (desired.unrecorded ?? []).length > 0,
    vswitch: false,
    vswitches: [...new Set([...ports.map(({ vswitch }) => vswitch), ...ofSteps])],
    vlans: [...flat, ...new Set(ports.flatMap(({ network }) => vlansOf(network)))],
  };
}

/** A planned change of a VSWITCH: it concerns every VLAN there. */
export function concernedOfVswitch(vswitch: VswitchName, steps: readonly VswitchStep[]): Concerned {
  return {
    interrupts: steps.some(({ disturbs }) => disturbs),
    deletes: steps.some(({ kind }) => kind === 'removeVswitch'),
    vswitch: true,
    vswitches: [vswitch],
    vlans: 'all',
  };
}

/** A migration of a guest's record. z/VM stays as it is, and no port goes: only rows of ports that are deleted already. */
export function concernedOfMigration(userid: Userid, records: readonly (readonly RecordedPort[])[]): Concerned {
  const ports = records.flat();
  const networks = ports.map(({ network }) => network);
  const known = networks.filter((network) => network.type !== 'unreadable');
  const flat = known.some(({ type }) => type === 'flat') ? (['flat'] as const) : [];
  return {
    ...{ userid, interrupts: false, deletes: false, vswitch: false, migrates: true },
    vswitches: [...new Set(ports.flatMap(({ vswitch }) => vswitch ?? []))],
    // Whatever nobody can read may be any VLAN.
    vlans: known.length < networks.length ? 'all' : [...flat, ...new Set(known.flatMap(vlansOf))],
  };
}

/** A probe: nothing of it stays, but it makes a VSWITCH unless it names one, and may log its guest off. */
export function concernedOfProbe(
  userid: Userid,
  { vswitch, mayLogOff }: { vswitch?: VswitchName | undefined; mayLogOff: boolean },
): Concerned {
  const vswitches = vswitch === undefined ? [] : [vswitch];
  return { userid, interrupts: mayLogOff, deletes: false, vswitch: vswitch === undefined, vswitches, vlans: 'all' };
}

/** A planned change of the management node's network, which is on the VSWITCH of the host's first flat network. */
export function concernedOfManagement(steps: readonly ManagementStep[]): Concerned {
  return {
    interrupts: steps.some(({ disturbs }) => disturbs),
    deletes: false,
    vswitch: false,
    vswitches: [...new Set(steps.flatMap((step) => ('vswitch' in step ? [step.vswitch] : [])))],
    vlans: ['flat'],
  };
}
