import { afterAll, beforeAll, expect, test } from 'vitest';
import { createEnvironment, type Environment, portId, vlan } from './environment.ts';

let zvm: Environment;
beforeAll(async () => {
  zvm = await createEnvironment();
});
afterAll(() => zvm.close());

test('a port number that z/VM says is in use is given back, and another one is coupled', async () => {
  // HCP3034E, as for a number in the directory entry of a guest that is logged off.
  const action = { kind: 'smapi', function: 'Virtual_Network_Adapter_Connect_Vswitch_Extended', rc: 396, rs: 3034 };
  for (const name of [action.function, 'Virtual_Network_Adapter_Connect_Vswitch'])
    await zvm.control('POST', 'faults', { action: { ...action, function: name }, times: 1 });
  const wanted = { portId: portId(1), vswitch: 'VSWPORT', network: vlan(100) };
  const result = await zvm.run('attachNic', { userid: 'LNX10001', ports: [wanted] });
  expect(result.changed).toBe(true);
  const guest = await zvm.guest('LNX10001');
  expect(guest.nics).toMatchObject([{ vswitch: 'VSWPORT' }]);
  const given = (await zvm.events()).filter(({ type }) => type === 'smcli').map(({ argv }) => String(argv));
  const coupled = given.filter((line) => line.includes('Adapter_Connect_Vswitch'));
  expect(coupled.length).toBe(2);
  expect(new Set(coupled).size).toBe(2);
});
