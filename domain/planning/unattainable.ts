import { portsOfChange } from '../guest/change-ports.ts';
import type { Desired, DesiredPort } from '../guest/desired.ts';
import { blockedPorts, refuseOverlap } from '../guest/taken-devices.ts';
import type { Change } from '../operations/requests.ts';
import { hasNoVlan } from '../vswitch/vswitch.ts';
import { type Asked, besideForeign, besideGrant, besideNicdef, type Hindered } from './grant-conflicts.ts';
import type { PlanningContext } from './planning-context.ts';
import { type Refusal, type RefusedPort, refusal } from './refusal.ts';

/** Ports that can be planned, why the change as a whole is refused, and what is to be said of single ports. */
export type Attainable = { ports: DesiredPort[]; refusals: Refusal[]; refused: RefusedPort[] };

/**
 * Leave out the ports whose NICs cannot be where they are recorded, or would come to another VLAN than theirs: they stay as they are, and the
 * rest of the guest is not held up. When the change names one, it is refused. A reconciliation tells all of them, and flat ports that have no
 * VLAN at all.
 */
export function attainable(change: Change, desired: Desired, context: PlanningContext): Attainable {
  const { guest } = context;
  const { ports } = desired;
  const named = portsOfChange(change);
  const isWhole = change.kind === 'reconcile' || change.kind === 'modernize';
  const isBulk = change.kind === 'wirePorts' || change.kind === 'reconcile';
  const overlapping = blockedPorts(ports, guest).map(({ port, by }) => ({
    port,
    why: (at: string) => refuseOverlap(`${at}portId`, port.vdev, by, guest),
  }));
  const changed = change.kind === 'changeVlan' ? change.portId : undefined;
  const blocked = [...overlapping, ...atOdds({ desired, changed, context })].filter(
    ({ port }) => change.kind !== 'detachNic' || !named.includes(port.portId),
  );
  const out = new Set<string>(blocked.map(({ port }) => port.portId));
  const refusals: Refusal[] = [];
  const refused: RefusedPort[] = [];
  for (const { port, why } of blocked) {
    const index = named.indexOf(port.portId);
    const at = 'ports' in change && !isBulk ? `ports.${index}.` : '';
    if (index >= 0 && !isBulk) refusals.push(why(at));
    else if (isWhole || index >= 0) refused.push({ portId: port.portId, refusals: [why(at)] });
  }
  if (change.kind === 'reconcile') refused.push(...withoutVlan(ports, context));
  return { ports: ports.filter(({ portId }) => !out.has(portId)), refusals, refused };
}

/** Ports at odds with what stays; one that is left as it is stands in the way of others. */
function atOdds(asked: Asked): Hindered[] {
  const found = [...besideForeign(asked), ...besideGrant(asked), ...besideNicdef(asked)];
  const once = [...new Map(found.map((each) => [each.port.portId, each])).values()];
  if (once.length === 0) return [];
  const ports = asked.desired.ports.filter((port) => !once.some((each) => each.port === port));
  return [...once, ...atOdds({ ...asked, desired: { ...asked.desired, ports } })];
}

/** Flat ports on an aware VSWITCH whose default VLAN is NONE: z/VM gives them no VLAN, and no step can. */
function withoutVlan(ports: readonly DesiredPort[], { vswitches }: PlanningContext): RefusedPort[] {
  return ports.flatMap(({ portId, vswitch: name, network }) => {
    const vswitch = vswitches.find((candidate) => candidate.name === name);
    if (vswitch === undefined || network.type !== 'flat' || !hasNoVlan(vswitch)) return [];
    return [{ portId, refusals: [refuseFlat('network', name)] }];
  });
}

/** Why a VSWITCH takes no flat port. */
export function refuseFlat(field: string, vswitch: string): Refusal {
  const reason = `VSWITCH ${vswitch} is VLAN-aware and its default VLAN is NONE: a flat port reaches no VLAN there`;
  return refusal(field, reason, 'use a VLAN, or a VSWITCH that is VLAN-unaware or has a default VLAN');
}
