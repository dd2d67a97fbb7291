import { describe, expect, test } from 'vitest';
import { planRecord } from '../../backend/xcat/rows/record-plan.ts';
import type { GuestState, RecordedPort } from '../../domain/guest/guest.ts';
import { Change } from '../../domain/operations/requests.ts';
import { decide } from '../../domain/planning/decision.ts';
import { plan } from '../../domain/planning/planner.ts';
import type { PlanningContext } from '../../domain/planning/planning-context.ts';
import { Vdev } from '../../domain/port/vdev.ts';
import { PortId, VswitchName } from '../../domain/text/identifiers.ts';
import { Network } from '../../domain/vswitch/network.ts';
import type { Vswitch } from '../../domain/vswitch/vswitch.ts';
import { NODE, nothingInUse, RULES, UNSEEN, USERID } from './worlds.ts';

const CLEAR = PortId.parse('11111111-1111-4111-8111-111111111111');
const ODD = PortId.parse('22222222-2222-4222-8222-222222222222');
const vswitchName = (name: string) => VswitchName.parse(name);
const vdev = (number: string) => Vdev.parse(number);

function vswitch(name: string): Vswitch {
  return {
    ...UNSEEN,
    name: vswitchName(name),
    transport: 'ETHERNET',
    vlanAware: true,
    defaultVlan: 1,
    portSelection: 'USERBASED',
    authorisations: [{ userid: USERID, vlans: [1001] }],
    nics: [],
  };
}

const CLEAR_ROW: RecordedPort = {
  portId: CLEAR,
  vdev: vdev('1000'),
  vswitch: vswitchName('VSW1'),
  network: Network.parse({ type: 'vlan', segmentationId: 1001 }),
  adminStateUp: true,
};
const ODD_ROW: RecordedPort = {
  ...CLEAR_ROW,
  portId: ODD,
  vdev: vdev('2000'),
  vswitch: vswitchName('VSW2'),
  network: { type: 'unreadable', text: 'abc' },
  unreadable: [{ field: 'network', name: 'vlan', value: 'abc' }],
};

function contextWith(guest: Partial<GuestState>): PlanningContext {
  return {
    guest: {
      userid: USERID,
      names: [NODE],
      loggedOn: true,
      recorded: [CLEAR_ROW, ODD_ROW],
      directory: [],
      live: [
        { vdev: vdev('1000'), vswitch: vswitchName('VSW1') },
        { vdev: vdev('2000'), vswitch: vswitchName('VSW2') },
      ],
      ...guest,
    },
    vswitches: [vswitch('VSW1'), vswitch('VSW2')],
    rules: RULES,
    ...nothingInUse(),
  };
}

function reconcile(read: PlanningContext, values: object = {}) {
  const change = Change.parse({ kind: 'reconcile', ports: [], removed: [], unrecorded: [], left: [], ...values });
  const decision = decide(change, read);
  if (!decision.accepted) throw new Error(decision.refusals.map(({ reason }) => reason).join());
  return { refused: decision.refused, steps: plan(decision.desired, read.guest, read.vswitches, planRecord) };
}

describe('a guest that has left the host', () => {
  const read = contextWith({ absence: { kind: 'elsewhere', zhcp: 'zhcp2' } });

  test('has its NICs and grants taken away there, but those of a port with an unreadable record', () => {
    const steps = reconcile(read).steps.map((step) => [step.kind, 'vdev' in step ? step.vdev : 'all']);
    expect(steps).toEqual([
      ['ensureUncoupled', '1000'],
      ['removeLiveNic', '1000'],
      ['removeAuthorisation', 'all'],
    ]);
  });

  test('keeps that also where it was wired by a run before', () => {
    const remembered = [{ vdev: '2000', vswitch: 'VSW2' }];
    const { steps } = reconcile(read, { remembered });
    expect(steps.some((step) => 'vdev' in step && step.vdev === '2000')).toBe(false);
    expect(steps.some((step) => 'vswitch' in step && step.vswitch === 'VSW2')).toBe(false);
  });
});

test('a port whose directory statement is unreadable is not asked to be confirmed as down', () => {
  const unclear = 'its LAN SYSTEM is not the name of a VSWITCH';
  const guest = { recorded: [CLEAR_ROW], live: [], directory: [{ vdev: vdev('1000'), unclear }] };
  expect(reconcile(contextWith(guest))).toEqual({ refused: [], steps: [] });
  const readable = { ...guest, directory: [{ vdev: vdev('1000') }] };
  expect(reconcile(contextWith(readable)).refused.map(({ portId }) => portId)).toEqual([CLEAR]);
});
