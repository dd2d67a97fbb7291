import { expect, test } from 'vitest';
import { planIdOf } from '../../activities/state-tags.ts';
import { planRecord } from '../../backend/xcat/rows/record-plan.ts';
import type { Nicdef, RecordedPort } from '../../domain/guest/guest.ts';
import { Change } from '../../domain/operations/requests.ts';
import { decide } from '../../domain/planning/decision.ts';
import { basisOf } from '../../domain/planning/plan-basis.ts';
import { plan } from '../../domain/planning/planner.ts';
import { Mac, macId } from '../../domain/port/mac.ts';
import { Vdev } from '../../domain/port/vdev.ts';
import { PortId, SegmentationId } from '../../domain/text/identifiers.ts';
import { capabilitiesWith } from './directory-worlds.ts';
import { contextWith, recorded } from './guest-context.ts';

const PORT = PortId.parse('11111111-1111-4111-8111-111111111111');
const vlan = (id: number) => ({ type: 'vlan' as const, segmentationId: SegmentationId.parse(id) });

/** A port that is in order on a VLAN, where the user directory authorises: its record, and its NICDEF. */
function portOn(id: number, values: Partial<RecordedPort> = {}): { port: RecordedPort; nicdef: Nicdef } {
  const port: RecordedPort = { ...recorded({ network: vlan(id) }), ...values };
  const { vdev = Vdev.parse('1000'), vswitch, mac = Mac.parse('02:00:00:00:00:01') } = port;
  const authorization = { portType: 'ACCESS' as const, vlans: [id] };
  return { port, nicdef: { vdev, macId: macId(mac), ...(vswitch && { vswitch }), authorization } };
}

/** The plan that puts PORT on VLAN 1101. */
function planFrom(ports: readonly ReturnType<typeof portOn>[]) {
  const base = contextWith();
  const guest = { ...base.guest, recorded: ports.map(({ port }) => port), directory: ports.map((each) => each.nicdef) };
  const context = { ...base, guest, capabilities: capabilitiesWith('enabled') };
  const decision = decide(Change.parse({ kind: 'changeVlan', portId: PORT, network: vlan(1101) }), context);
  if (!decision.accepted) throw new Error(JSON.stringify(decision.refusals));
  const steps = plan(decision.desired, guest, context.vswitches, planRecord, context.capabilities);
  return { steps, id: planIdOf(steps, basisOf(steps, decision.affected, guest, context.vswitches)) };
}

const portFrom = (id: number) => portOn(id, { portId: PORT });

test('the same steps from another VLAN are another plan', () => {
  const [from1100, from1102] = [planFrom([portFrom(1100)]), planFrom([portFrom(1102)])];
  expect(from1100.steps).toEqual(from1102.steps);
  expect(from1100.id).not.toBe(from1102.id);
});

test('the same steps in place of another statement of the directory are another plan', () => {
  const { port } = portFrom(1100);
  const [one, other] = [1100, 1103].map((id) => planFrom([{ port, nicdef: portFrom(id).nicdef }]));
  expect(one?.steps).toEqual(other?.steps);
  expect(one?.id).not.toBe(other?.id);
});

test('a plan stays the same while another port of the guest changes', () => {
  const other = (id: number) => portOn(id, { vdev: Vdev.parse('1003'), mac: Mac.parse('02:00:00:00:00:09') });
  expect(planFrom([portFrom(1100), other(1200)]).id).toBe(planFrom([portFrom(1100), other(1201)]).id);
});
