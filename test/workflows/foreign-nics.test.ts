import { afterAll, beforeEach, expect, test } from 'vitest';
import { createEnvironment, type Environment, failureOf, portId, vlan } from './environment.ts';
import { startRun } from './start.ts';

/** Logged on, with a NIC of an administrator's on VSW1, a user-based VSWITCH, under VLAN 9. */
const USERID = 'LNX10009';
const OTHER_VLAN = { portId: portId(1), vswitch: 'VSW1', network: vlan(100) };
const SAME_VLAN = { ...OTHER_VLAN, network: vlan(9) };

let zvm: Environment | undefined;
const started = () => {
  if (zvm === undefined) throw new Error('nothing has been started');
  return zvm;
};
beforeEach(async () => {
  await zvm?.close();
  zvm = await createEnvironment();
  const [system] = zvm.simulator.mn.systems;
  const [vswitch, guest] = [system?.vswitch('VSW1'), system?.guest(USERID)];
  if (system === undefined || vswitch === undefined || guest === undefined) throw new Error('no VSWITCH or guest');
  system.grant(vswitch, USERID, { vlans: [9], portType: 'ACCESS', promiscuous: false, persist: true });
  const nicdef = { vdev: '0600', type: 'QDIO' as const, devices: 3, chpid: null, macid: '00AA00', portNumber: null };
  system.addNicdef(guest, { ...nicdef, lan: { owner: 'SYSTEM', name: 'VSW1' } }, false);
  if (guest.loggedOn) system.logoff(guest);
  system.logon(guest);
});
afterAll(() => zvm?.close());

const untouched = { rows: [], granted: { VSW1: [9] }, directory: [{ vdev: '0600' }], nics: [{ vdev: '0600' }] };

test.each([
  { type: 'createPort', input: OTHER_VLAN },
  { type: 'attachNic', input: { ports: [OTHER_VLAN] } },
] as const)(
  'a port with another VLAN than a foreign NIC on the same user-based VSWITCH is refused before anything is touched ($type)',
  async ({ type, input }) => {
    const failure = await failureOf(started().run(type, { userid: USERID, ...input }));
    expect(failure.type).toBe('Refused');
    expect(failure.message).toMatch(/NIC 0600 of LNX10009 on VSW1 is foreign .* VLAN 9.*use another VSWITCH/s);
    expect(await started().guest(USERID)).toMatchObject(untouched);
  },
);

test('many ports at once leave out the one with another VLAN than a foreign NIC, and say why', async () => {
  const { client, host, guest } = started();
  const ports = [USERID, 'LNX10001'].map((userid, index) => ({ ...OTHER_VLAN, userid, portId: portId(index + 1) }));
  const run = await startRun(client, 'wirePorts', { host, ports, live: true }, 'beside-a-foreign-nic');
  const result = await run.result();
  expect(result).toMatchObject({ wired: 1, refused: 1 });
  const reason = result.ports.find(({ outcome }) => outcome === 'refused')?.reason;
  expect(reason).toContain('NIC 0600 of LNX10009 on VSW1 is foreign');
  expect(await guest(USERID)).toMatchObject(untouched);
  expect((await guest('LNX10001')).granted).toEqual({ VSW1: [100] });
});

test('a recorded port whose VLAN an administrator has changed for a NIC of his own is not coupled by reconciliation, which says why', async () => {
  const { client, host, guest, simulator } = started();
  const row = { node: 'lnx10009', port: portId(1), switch: 'VSW1', vlan: '100', interface: '1000', comments: 'zhcp1' };
  simulator.mn.tables.put('switch', row);
  const { failures } = await (await startRun(client, 'reconcileHost', { host })).result();
  expect(JSON.stringify(failures)).toContain('NIC 0600 of LNX10009 on VSW1 is foreign');
  expect(await guest(USERID)).toMatchObject({ ...untouched, rows: [{ port: portId(1) }] });
});

test('a port with the VLAN of a foreign NIC on the same VSWITCH is wired beside it', async () => {
  await started().run('attachNic', { userid: USERID, ports: [SAME_VLAN] });
  const { granted, nics } = await started().guest(USERID);
  expect(granted).toEqual({ VSW1: [9] });
  expect(nics.map(({ vswitch }) => vswitch)).toEqual(['VSW1', 'VSW1']);
});
