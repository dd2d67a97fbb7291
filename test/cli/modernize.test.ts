import { afterAll, beforeAll, expect, test } from 'vitest';
import { createEnvironment, type Environment, portId, vlan } from '../workflows/environment.ts';
import { zvmnet } from './command.ts';

let environment: Environment;
const GUESTS = ['LNX10001', 'LNX10003'];
beforeAll(async () => {
  environment = await createEnvironment({ guests: 4, release: '7.4' });
  const [system] = environment.simulator.mn.systems;
  system?.behave('7.4', { dna: 'disabled' });
  for (const [index, userid] of GUESTS.entries()) {
    const port = { portId: portId(index + 1), vswitch: 'VSW1', network: vlan(100) };
    await environment.run('attachNic', { userid, ports: [port] });
  }
  system?.behave('7.4', {});
});
afterAll(() => environment.close());

const modernize = (...more: string[]) =>
  zvmnet(['guest', 'modernize', '--all', ...more], { ZVMNET_HOST: environment.host });
const granted = () => Promise.all(GUESTS.map(async (userid) => (await environment.guest(userid)).granted));

test('all guests of a host are moved side by side, with one summary and the exit code of the one that failed', {
  timeout: 120_000,
}, async () => {
  const planned = await modernize('--dry-run', '--json');
  expect({ code: planned.code, ...JSON.parse(planned.out) }).toMatchObject({ code: 0, summary: { planned: 2 } });
  expect(await granted()).toEqual([{ VSW1: [100] }, { VSW1: [100] }]);

  const action = { kind: 'smapi', function: 'Virtual_Network_Vswitch_Set_Extended', userid: GUESTS[0], rc: 100, rs: 8 };
  await environment.control('POST', 'faults', { action, times: 1 });
  const failed = await modernize('--json');
  expect({ code: failed.code, ...JSON.parse(failed.out) }).toMatchObject({
    code: 1,
    summary: { failed: 1, changed: 1 },
    operations: [{ userid: GUESTS[0] }, { userid: GUESTS[1] }],
  });
  expect(await granted()).toEqual([{ VSW1: [100] }, {}]);

  const moved = await modernize();
  expect(moved).toMatchObject({ code: 0, out: expect.stringContaining('2 operations: 1 changed, 1 unchanged') });
  expect(await granted()).toEqual([{}, {}]);
});
