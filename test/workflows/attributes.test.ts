import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createEnvironment, type Environment, failureOf, portId, vlan } from './environment.ts';

let zvm: Environment;
beforeAll(async () => {
  zvm = await createEnvironment({ guests: 20 });
});
afterAll(() => zvm.close());

const vswitch = (name: string) => {
  const found = zvm.simulator.mn.systems[0]?.vswitch(name);
  if (found === undefined) throw new Error(`no ${name}`);
  return found;
};
/** Changes of an administrator to the grant that a port has. */
const setByHand = (userid: string) =>
  vswitch('VSW1').authorisations.set(userid, { vlans: [5], portType: 'TRUNK', promiscuous: true, persist: true });
const live = (userid: string, number: number) =>
  zvm.run('attachNic', { userid, ports: [{ portId: portId(number), vswitch: 'VSW1', network: vlan(5) }] });

describe('what an administrator has set on a grant', () => {
  test('stays where z/VM shows it, and all else that would change is said by a dry run', async () => {
    const userid = 'LNX10001';
    await live(userid, 1);
    setByHand(userid);
    const wanted = { userid, portId: portId(1), network: vlan(6) };
    const { steps } = await zvm.run('changeVlan', { ...wanted, dryRun: true });
    expect(steps).toContain(`revoke ${userid} on VSW1, where it is promiscuous`);
    expect(steps).toContain(
      `grant ${userid} on VSW1 with VLAN 6 in place of VLAN 5, promiscuous as before; of the VSWITCH's port type and not permanent from now on: z/VM does not show its former values`,
    );
    const said = steps.find((step) => step.startsWith('grant'));
    expect((await zvm.run('changeVlan', wanted)).steps).toContain(said);
    expect(vswitch('VSW1').authorisations.get(userid)).toMatchObject({ vlans: [6], promiscuous: true });
  });

  test('is there again after a change that had to be undone', async () => {
    const userid = 'LNX10003';
    await live(userid, 3);
    setByHand(userid);
    const action = {
      kind: 'smapi',
      function: 'Virtual_Network_Vswitch_Set_Extended',
      userid,
      rc: 396,
      rs: 2853,
    };
    // The revoke goes through, and the grant does not.
    await zvm.control('POST', 'faults', { action, skip: 1, times: 1 });
    const failure = await failureOf(zvm.run('changeVlan', { userid, portId: portId(3), network: vlan(6) }));
    expect(failure.type).toBe('StepFailed');
    expect(vswitch('VSW1').authorisations.get(userid)).toMatchObject({ vlans: [5], promiscuous: true });
  });

  test('stays on a port of a port-based VSWITCH that becomes a trunk', async () => {
    const userid = 'LNX10005';
    const request = { portId: portId(5), vswitch: 'VSWPORT', network: vlan(5) };
    await zvm.run('attachNic', { userid, ports: [request] });
    const [port] = [...vswitch('VSWPORT').ports.values()].filter((each) => each.userid === userid);
    if (port !== undefined) port.promiscuous = true;
    await zvm.run('changeVlan', { userid, portId: portId(5), network: { type: 'trunk', segmentationIds: [5, 6] } });
    expect([...vswitch('VSWPORT').ports.values()].filter((each) => each.userid === userid)).toMatchObject([
      { vlans: [5, 6], promiscuous: true },
    ]);
  });
});

test('a NICDEF that is written anew keeps its operands, and what it loses is said', async () => {
  const userid = 'LNX10007';
  await zvm.run('createPort', { userid, portId: portId(7), vswitch: 'VSW1', network: vlan(5) });
  const macid = zvm.simulator.mn.systems[0]?.guest(userid)?.nicdefs[0]?.macid;
  await zvm.control('POST', `systems/zhcp1/guests/${userid}/directory`, {
    statements: [
      'NICDEF 1000 TYPE QDIO LAN SYSTEM VSW1 DEVICES 6 CHPID 0B',
      `NICDEF 1000 MACID ${macid} PORTTYPE ACCESS`,
    ],
  });
  const { steps } = await zvm.run('setAdminState', { userid, portId: portId(7), adminStateUp: false });
  expect(steps).toContain(
    `define NIC 1000 in the directory of ${userid}, not coupled, DEVICES 6 CHPID 0B as before, PORTTYPE ACCESS removed`,
  );
  expect(zvm.simulator.mn.systems[0]?.guest(userid)?.nicdefs).toMatchObject([
    { devices: 6, chpid: '0B', lan: null, macid },
  ]);
});

test('the comment of the node’s row in the mac table stays', async () => {
  const userid = 'LNX10009';
  const { tables } = zvm.simulator.mn;
  tables.put('mac', {
    node: userid.toLowerCase(),
    interface: 'fake',
    mac: '02:00:00:aa:00:09',
    comments: 'bought-2019',
  });
  await zvm.run('createPort', { userid, portId: portId(9), vswitch: 'VSW1', network: vlan(5) });
  const row = tables.list('mac').find((each) => each.node === userid.toLowerCase());
  expect(row).toMatchObject({ comments: 'bought-2019', mac: expect.stringContaining(`!${userid.toLowerCase()}-1000`) });
});
