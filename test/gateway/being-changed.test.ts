import { afterAll, beforeAll, expect, test } from 'vitest';
import { ZVM_OUTCOME } from '../../temporal-config/search-attributes.ts';
import { zvmnet } from '../cli/command.ts';
import { portId, vlan } from '../workflows/environment.ts';
import { startRun } from '../workflows/start.ts';
import { type Served, serve } from './environment.ts';

let served: Served;
beforeAll(async () => {
  served = await serve();
});
afterAll(() => served.close());

const guestRow = async (userid: string) => {
  const { body } = await served.call('GET', `/v1/hosts/${served.host}/guests?userid=${userid}`);
  return body.guests[0];
};

test('a guest that is just being wired is not drifted', async () => {
  const { environment, host } = served;
  const hold = await environment.hold({ command: 'Virtual_Network_Vswitch_Set_Extended' });
  const ports = [{ portId: portId(1), vswitch: 'VSW1', network: vlan(7) }];
  const wiring = await startRun(environment.client, 'attachNic', { host, userid: 'LNX10001', ports });
  await hold.reached();
  expect(await guestRow('LNX10001')).toMatchObject({ inProgress: true, drift: [], ports: [{ portId: portId(1) }] });
  const drift = await zvmnet(['drift'], { ZVMNET_HOST: host });
  expect(drift).toMatchObject({ code: 0, out: expect.stringContaining('has no drift') });
  await hold.release();
  await wiring.result();
  await expect.poll(async () => (await guestRow('LNX10001')).inProgress).toBeUndefined();
  expect(await guestRow('LNX10001')).toMatchObject({ drift: [] });
});

test('a guest that has drifted is, also beside one that is being wired', async () => {
  const { environment, host } = served;
  const ports = [{ portId: portId(2), vswitch: 'VSW1', network: vlan(8) }];
  await environment.run('attachNic', { userid: 'LNX10002', ports });
  const [system] = environment.simulator.mn.systems;
  const vswitch = system?.vswitch('VSW1');
  if (vswitch === undefined) throw new Error('no VSWITCH');
  system?.revoke(vswitch, 'LNX10002');
  const isDrifted = async () => (await guestRow('LNX10002')).drift.length;
  await expect.poll(isDrifted).toBeGreaterThan(0);
  expect((await zvmnet(['drift'], { ZVMNET_HOST: host })).code).toBe(6);
});

test('dry runs have an outcome of their own, whatever they find', async () => {
  const { client } = served.environment;
  const { host } = served;
  const port = { portId: portId(3), vswitch: 'VSW1', network: vlan(9) };
  const [there] = [{ portId: portId(2), userid: 'LNX10002' }];
  const runs = [
    await startRun(client, 'createPort', { host, userid: 'LNX10003', ...port, dryRun: true }),
    await startRun(client, 'deletePort', { host, ...there, dryRun: true }),
    await startRun(client, 'wirePorts', { host, dryRun: true, ports: [{ userid: 'LNX10003', ...port }] }),
    await startRun(client, 'ensureVswitch', { host, vswitch: 'VSW1', dryRun: true }),
    await startRun(client, 'reconcileHost', { host, dryRun: true }),
  ];
  for (const run of runs) {
    await run.result();
    expect((await run.describe()).typedSearchAttributes.get(ZVM_OUTCOME), run.workflowId).toBe('planned');
  }
  const planned = () => served.call('GET', `/v1/operations?host=${host}&outcome=planned`);
  await expect.poll(async () => (await planned()).body.operations.length).toBeGreaterThan(0);
});
