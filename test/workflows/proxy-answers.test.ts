import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { createEnvironment, type Environment, failureOf, portId, vlan } from './environment.ts';

let zvm: Environment;
beforeAll(async () => {
  zvm = await createEnvironment({ guests: 4 });
});
afterAll(() => zvm.close());
afterEach(() => zvm.control('DELETE', 'faults'));

const USERID = 'LNX10001';
const PAGE = '<html><head><title>500</title></head><body><h1>Internal Server Error</h1></body></html>';

const answers = (status: number, command: string, times: number, more: object = {}) =>
  zvm.control('POST', 'faults', { match: { command }, action: { kind: 'status', status, text: PAGE, ...more }, times });

test.each([500, 404, 403, 302, 429])('HTTP %i of a proxy in the middle of an attach is waited out', async (status) => {
  const port = { portId: portId(status), vswitch: 'VSW1', network: vlan(100) };
  await answers(status, 'Virtual_Network_Adapter_Connect_Vswitch', 2);
  await zvm.run('attachNic', { userid: USERID, ports: [port] });
  expect((await zvm.guest(USERID)).rows.map((row) => row.port)).toContain(port.portId);
});

test('undoing does not give up at an answer of a proxy', async () => {
  const before = await zvm.guest(USERID);
  const code = { kind: 'smapi', function: 'Virtual_Network_Adapter_Connect_Vswitch', rc: 396, rs: 2788 };
  await zvm.control('POST', 'faults', { match: {}, action: code, times: 1 });
  await answers(500, 'Virtual_Network_Adapter_Delete', 2);
  const port = { portId: portId(900), vswitch: 'VSW1', network: vlan(100) };
  const failure = await failureOf(zvm.run('attachNic', { userid: USERID, ports: [port] }));
  expect(failure).toMatchObject({ type: 'StepFailed', message: expect.stringContaining('rolled back') });
  expect(await zvm.guest(USERID)).toEqual(before);
});
