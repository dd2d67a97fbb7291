import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createXcatClient } from '../../backend/xcat/rest/client.ts';
import { createEnvironment, type Environment, portId, vlan } from './environment.ts';
import { startRun } from './start.ts';

const ZHCP = 'zhcp1';
const SMCLI = '/opt/zhcp/bin/smcli';
const SET_VSWITCH = `${SMCLI} Virtual_Network_Vswitch_Set_Extended`;

let zvm: Environment;
let xcat: ReturnType<typeof createXcatClient>;
beforeAll(async () => {
  zvm = await createEnvironment({ guests: 4 });
  const access = { username: 'admin', password: 'admin', timeoutMs: 60_000, verifyTls: true };
  xcat = createXcatClient({ url: zvm.simulator.url, ...access, credentialsInQuery: false });
});
afterAll(async () => {
  await xcat.close();
  await zvm.close();
});

const put = (path: string, ...body: string[]) => xcat.transport.request({ method: 'PUT', path, body });
/** `gettab switch.<attribute>` of a port, as the historic agent looks one up. */
const found = (port: string, attribute: string) => xcat.tables.getAttribute('switch', 'port', port, attribute);

/** Nova's row for a NIC (docs/reference/xcat.md 2.5). */
async function novaWrites(port: string, node: string, vdev: string): Promise<void> {
  await put(
    '/tables/switch',
    `switch.node=${node} switch.port=${port} switch.interface=${vdev} switch.comments=${ZHCP}`,
  );
}

/** The historic agent's calls when Neutron says that a port is up (docs/reference/xcat.md 6.1); throws when it cannot find it. */
async function historicAgentWires(port: string, vlanId: number): Promise<void> {
  const node = await found(port, 'node');
  const userid = node === undefined ? undefined : await xcat.tables.getAttribute('zvm', 'node', node, 'userid');
  if (node === undefined || userid === undefined) throw new Error(`the historic agent finds no node of port ${port}`);
  const grant = `${SET_VSWITCH} -T ${userid} -k switch_name=VSW1 -k grant_userid=${userid}`;
  await put(`/nodes/${ZHCP}/dsh`, `command=${grant}`);
  await put(`/nodes/${ZHCP}/dsh`, `command=${grant} -k user_vlan_id=${vlanId}`);
  await put('/tables/switch', `port=${port} switch.switch=VSW1 switch.vlan=${vlanId}`);
  const vdev = await found(port, 'interface');
  const nicdef = `NICDEF=VDEV=${vdev} TYPE=QDIO MACID=${port.slice(-6)} LAN=SYSTEM SWITCHNAME=VSW1`;
  await put(`/vms/${node}`, '--smcli', `Image_Definition_Update_DM -T %userid% -k '${nicdef}'`);
  await put(
    `/nodes/${ZHCP}/dsh`,
    `command=${SMCLI} Virtual_Network_Adapter_Connect_Vswitch -T ${userid} -v ${vdev} -n VSW1`,
  );
}

async function reconcile() {
  const run = await startRun(zvm.client, 'reconcileHost', { host: zvm.host, intervalSeconds: 1, sweepSeconds: 1 });
  return run.result();
}

/** The command that docs/neutron.md tells operators to run on the management node before they go back. */
function documentedCommand(): string {
  const docs = readFileSync(new URL('../../docs/neutron.md', import.meta.url), 'utf8');
  const command = /^ *(tabdump switch .*switch\.disable=NULL)$/m.exec(docs)?.[1];
  if (command === undefined) throw new Error('docs/neutron.md has no such command');
  return command.replaceAll('<zhcp>', ZHCP);
}

test('a port goes from the historic agent here, is changed, and goes back, and each finds it after the other', async () => {
  const port = portId(1);
  await novaWrites(port, 'lnx10001', '1000');
  await historicAgentWires(port, 11);
  expect((await zvm.guest('LNX10001')).granted).toEqual({ VSW1: [11] });
  expect(await reconcile()).toMatchObject({ failed: 0, waiting: 0 });

  await zvm.run('changeVlan', { userid: 'LNX10001', portId: port, network: vlan(12) });
  expect(await found(port, 'node')).toBe('lnx10001');
  expect(await found(port, 'vlan')).toBe('12');
  await historicAgentWires(port, 13);
  expect(await reconcile()).toMatchObject({ failed: 0 });
  expect(await zvm.guest('LNX10001')).toMatchObject({
    granted: { VSW1: [13] },
    directory: [{ vswitch: 'VSW1' }],
  });
});

test('a port that was taken down and up again here is found by the historic agent', async () => {
  const port = portId(2);
  await zvm.run('attachNic', { userid: 'LNX10002', ports: [{ portId: port, vswitch: 'VSW1', network: vlan(21) }] });
  expect(await found(port, 'node')).toBe('lnx10002');
  await zvm.run('setAdminState', { userid: 'LNX10002', portId: port, adminStateUp: false });
  await zvm.run('setAdminState', { userid: 'LNX10002', portId: port, adminStateUp: true });
  expect(await found(port, 'node')).toBe('lnx10002');
});

test('after the command of the docs the historic agent handles a port that was left down here, and it comes here again', async () => {
  const port = portId(3);
  await zvm.run('attachNic', { userid: 'LNX10003', ports: [{ portId: port, vswitch: 'VSW1', network: vlan(31) }] });
  await zvm.run('setAdminState', { userid: 'LNX10003', portId: port, adminStateUp: false });
  await expect(historicAgentWires(port, 32)).rejects.toThrow('finds no node');

  await put('/nodes/xcat/dsh', `command=${documentedCommand()}`);
  await historicAgentWires(port, 32);
  const back = await zvm.guest('LNX10003');
  expect(back).toMatchObject({ granted: { VSW1: [32] }, nics: [{ vswitch: 'VSW1', vlans: [32] }] });
  expect(back.rows).toHaveLength(1);

  expect(await reconcile()).toMatchObject({ failed: 0 });
  expect(await zvm.guest('LNX10003')).toMatchObject({
    granted: { VSW1: [32] },
    nics: [{ vswitch: 'VSW1', vlans: [32] }],
  });
  await zvm.run('deletePort', { userid: 'LNX10003', portId: port });
  expect((await zvm.guest('LNX10003')).rows).toEqual([]);
});

test('the command of the docs writes no row where the table has none of the zHCP', async () => {
  const command = documentedCommand().replaceAll(ZHCP, 'zhcp9');
  const before = zvm.simulator.mn.tables.list('switch');
  await put('/nodes/xcat/dsh', `command=${command}`);
  expect(zvm.simulator.mn.tables.list('switch')).toEqual(before);
});
