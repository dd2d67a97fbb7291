import { expect, test } from 'vitest';
import type { Desired } from '../../domain/guest/desired.ts';
import type { GuestState } from '../../domain/guest/guest.ts';
import { plan } from '../../domain/planning/planner.ts';
import { sentence } from '../../domain/planning/steps.ts';
import { Mac } from '../../domain/port/mac.ts';
import { Vdev } from '../../domain/port/vdev.ts';
import { PortId, VswitchName } from '../../domain/text/identifiers.ts';
import { Network } from '../../domain/vswitch/network.ts';
import type { Vswitch } from '../../domain/vswitch/vswitch.ts';
import { NODE, UNSEEN, USERID } from './worlds.ts';

const PORT = PortId.parse('11111111-1111-4111-8111-111111111111');
const VSW1 = VswitchName.parse('VSW1');
const vdev = Vdev.parse('1000');

/** A user-based VSWITCH where the guest is granted these VLANs. */
function vswitch(...vlans: number[]): Vswitch {
  const grants = vlans.map((vlan) => ({ userid: USERID, vlans: [vlan] }));
  const kind = { transport: 'ETHERNET', portSelection: 'USERBASED' } as const;
  return { ...UNSEEN, ...kind, name: VSW1, vlanAware: true, defaultVlan: 1, authorisations: grants, nics: [] };
}

const network = Network.parse({ type: 'vlan', segmentationId: 7 });
const port = { portId: PORT, userid: USERID, vdev, vswitch: VSW1, network, adminStateUp: true };

function guest(cluster: GuestState['cluster'], coupled = true): GuestState {
  const on = { vdev, vswitch: VSW1 };
  return {
    ...{ userid: USERID, names: [NODE], loggedOn: true, directory: [on], live: coupled ? [on] : [{ vdev }] },
    recorded: [{ portId: PORT, vdev, vswitch: VSW1, network, adminStateUp: true }],
    ...(cluster === undefined ? {} : { cluster }),
  };
}

const wanted: Desired = {
  ports: [{ ...port, mac: Mac.parse('02:00:00:00:00:01'), live: 'asIs' }],
  ...{ removed: [], keepAuthorised: [], leaving: [] },
};
const withoutMac: Desired = { ...wanted, ports: [{ ...port, live: 'asIs' }] };
const gone: Desired = { ...wanted, ports: [], removed: [{ portId: PORT, unwired: false }] };

function steps(desired: Desired, state: GuestState): string[] {
  return plan(desired, state, [vswitch(7)], () => []).map(sentence);
}

test('steps on a guest go to the member that runs it', () => {
  const state = guest({ runsOn: 'zhcp2', others: [] }, false);
  expect(steps(withoutMac, state)).toEqual([`couple NIC 1000 of ${USERID} to VSW1 on member zhcp2`]);
});

test('a grant elsewhere gets the VLAN, and none is given where there is none', () => {
  const others = [{ vswitches: [vswitch(100)] }, { member: 'zhcp3', vswitches: [vswitch()] }];
  expect(steps(withoutMac, guest({ runsOn: 'zhcp2', others }))).toEqual([
    `revoke ${USERID} on VSW1`,
    `grant ${USERID} on VSW1 with VLAN 7 in place of VLAN 100; of the VSWITCH's port type and not permanent from now on: z/VM does not show its former values`,
  ]);
  expect(steps(withoutMac, guest({ runsOn: 'zhcp2', others: [{ vswitches: [vswitch(7)] }] }))).toEqual([]);
});

test('grants go with the port on every member, last where the guest does not run', () => {
  const state = guest({ others: [{ member: 'zhcp2', vswitches: [vswitch(7)] }] });
  const all = steps(gone, state);
  expect(all).toContain(`revoke ${USERID} on VSW1`);
  expect(all.at(-1)).toBe(`revoke ${USERID} on VSW1 on member zhcp2`);
});
