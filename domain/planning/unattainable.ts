import { foreignNics } from '../drift/foreign-nics.ts';
import { portsOfChange } from '../guest/change-ports.ts';
import type { DesiredPort } from '../guest/desired.ts';
import { blockedPorts, refuseOverlap } from '../guest/taken-devices.ts';
import type { Change } from '../operations/requests.ts';
import { vlansOf } from '../port/port.ts';
import { sameVlans } from '../vswitch/vlan-set.ts';
import { authorisedVlans, grantOf, hasNoVlan, neededVlans } from '../vswitch/vswitch.ts';
import type { PlanningContext } from './planning-context.ts';
import { type Refusal, type RefusedPort, refusal } from './refusal.ts';

/** Ports that can be planned, why the change as a whole is refused, and what is to be said of single ports. */
export type Attainable = { ports: DesiredPort[]; refusals: Refusal[]; refused: RefusedPort[] };

/** A port that no step can make right, and the refusal that says why, with what comes before its field. */
type Hindered = { port: DesiredPort; why: (at: string) => Refusal };

/**
 * Leave out the ports whose NICs cannot be where they are recorded, or would come to another VLAN than theirs: they stay as they are, and the
 * rest of the guest is not held up. When the change names one, it is refused. A reconciliation tells all of them, and flat ports that have no
 * VLAN at all.
 */
export function attainable(change: Change, ports: readonly DesiredPort[], context: PlanningContext): Attainable {
  const { guest } = context;
  const named = portsOfChange(change);
  const isBulk = change.kind === 'wirePorts' || change.kind === 'reconcile';
  const overlapping = blockedPorts(ports, guest).map(({ port, by }) => ({
    port,
    why: (at: string) => refuseOverlap(`${at}portId`, port.vdev, by, guest),
  }));
  const blocked = [...overlapping, ...besideForeign(change, ports, context)].filter(
    ({ port }) => change.kind !== 'detachNic' || !named.includes(port.portId),
  );
  const out = new Set<string>(blocked.map(({ port }) => port.portId));
  const refusals: Refusal[] = [];
  const refused: RefusedPort[] = [];
  for (const { port, why } of blocked) {
    const index = named.indexOf(port.portId);
    const at = 'ports' in change && !isBulk ? `ports.${index}.` : '';
    if (index >= 0 && !isBulk) refusals.push(why(at));
    else if (change.kind === 'reconcile' || index >= 0) refused.push({ portId: port.portId, refusals: [why(at)] });
  }
  if (change.kind === 'reconcile') refused.push(...withoutVlan(ports, context));
  return { ports: ports.filter(({ portId }) => !out.has(portId)), refusals, refused };
}

/**
 * Ports that would come to the VLAN of a foreign NIC: a userid has one VLAN set on a user-based VSWITCH (docs/reference/zvm.md 3.2), which no plan
 * changes under that NIC. A port whose VLAN is to be changed is refused beside any foreign NIC (`refuseConflicts`).
 */
function besideForeign(
  change: Change,
  ports: readonly DesiredPort[],
  { guest, vswitches }: PlanningContext,
): Hindered[] {
  const unrecorded = change.kind === 'reconcile' ? change.unrecorded : [];
  const changed = change.kind === 'changeVlan' ? change.portId : undefined;
  const foreign = foreignNics(guest, [...ports, ...unrecorded]);
  return ports
    .filter((port) => port.adminStateUp && port.live !== 'absent' && port.portId !== changed)
    .flatMap((port) => {
      const nic = foreign.find(({ vswitch }) => vswitch === port.vswitch);
      const vswitch = vswitches.find(({ name }) => name === port.vswitch);
      if (nic === undefined || vswitch?.portSelection !== 'USERBASED') return [];
      const authorisation = grantOf(vswitch, guest.userid);
      if (authorisation === undefined) return [];
      const now = authorisedVlans(vswitch, authorisation);
      const isRight = sameVlans(now, neededVlans(vswitch, vlansOf(port.network)));
      if (isRight && authorisation.unclear === undefined) return [];
      const has = authorisation.unclear === undefined ? describeVlans(now) : 'unreadable VLANs';
      const reason = `NIC ${nic.vdev} of ${guest.userid} on ${port.vswitch} is foreign and has ${has}: all NICs of a userid on a user-based VSWITCH share one VLAN set`;
      const advice = 'use another VSWITCH or the same VLANs, or move that NIC first';
      return [{ port, why: (at: string) => refusal(`${at}network`, reason, advice) }];
    });
}

const describeVlans = (vlans: readonly number[]) => (vlans.length === 0 ? 'no VLAN' : `VLAN ${vlans.join(', ')}`);

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
