import { portsOfChange } from '../guest/change-ports.ts';
import type { DesiredPort } from '../guest/desired.ts';
import { blockedPorts, refuseOverlap } from '../guest/taken-devices.ts';
import type { Change } from '../operations/requests.ts';
import { hasNoVlan } from '../vswitch/vswitch.ts';
import type { PlanningContext } from './planning-context.ts';
import { type Refusal, type RefusedPort, refusal } from './refusal.ts';

/** Ports that can be planned, why the change as a whole is refused, and what is to be said of single ports. */
export type Attainable = { ports: DesiredPort[]; refusals: Refusal[]; refused: RefusedPort[] };

/**
 * Leave out the ports whose NICs cannot be where they are recorded: they stay as they are, and the rest of the guest is not held up. When the
 * change names one, it is refused. A reconciliation tells all of them, and flat ports that have no VLAN at all.
 */
export function attainable(change: Change, ports: readonly DesiredPort[], context: PlanningContext): Attainable {
  const { guest } = context;
  const named = portsOfChange(change);
  const isBulk = change.kind === 'wirePorts' || change.kind === 'reconcile';
  const blocked = blockedPorts(ports, guest).filter(
    ({ port }) => change.kind !== 'detachNic' || !named.includes(port.portId),
  );
  const out = new Set<string>(blocked.map(({ port }) => port.portId));
  const refusals: Refusal[] = [];
  const refused: RefusedPort[] = [];
  for (const { port, by } of blocked) {
    const index = named.indexOf(port.portId);
    const field = 'ports' in change && !isBulk ? `ports.${index}.portId` : 'portId';
    const why = refuseOverlap(field, port.vdev, by, guest);
    if (index >= 0 && !isBulk) refusals.push(why);
    else if (change.kind === 'reconcile' || index >= 0) refused.push({ portId: port.portId, refusals: [why] });
  }
  if (change.kind === 'reconcile') refused.push(...withoutVlan(ports, context));
  return { ports: ports.filter(({ portId }) => !out.has(portId)), refusals, refused };
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
  const reason = `VSWITCH ${vswitch} is VLAN-aware and its default VLAN is NONE: a flat port has no VLAN there at all`;
  return refusal(field, reason, 'use a VLAN, or a VSWITCH that is VLAN-unaware or was defined with a default VLAN');
}
