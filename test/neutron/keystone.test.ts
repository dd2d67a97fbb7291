import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, type TestContext, test } from 'vitest';
import { loadConfiguration } from '../../configuration/load.ts';
import { KEYSTONE_PACKAGE, type RunningKeystone, startKeystone } from '../../demo/openstack/keystone.ts';
import { type Openstack, startOpenstack } from '../../demo/openstack/neutron-server.ts';
import { ensurePackages } from '../../demo/openstack/packages.ts';
import { NeutronRest, type RestOptions } from '../../neutron/rest-client.ts';

/** Time enough to wait for the packages of another test. */
const INSTALLING_MS = 15 * 60_000;
const PASSWORD = 'Hush-3$not';

let missing = '';
let folder = '';
let keystone: RunningKeystone | undefined;
let openstack: Openstack | undefined;
beforeAll(async () => {
  try {
    await ensurePackages(() => {}, KEYSTONE_PACKAGE);
  } catch (error) {
    missing = error instanceof Error ? error.message : String(error);
    process.stderr.write(`NOT TESTED: Neutron behind Keystone: ${missing}\n`);
    return;
  }
  folder = await mkdtemp(join(tmpdir(), 'keystone-'));
  keystone = await startKeystone(folder, PASSWORD);
  openstack = await startOpenstack({ say: () => {}, macPrefix: '02:00:00', vlanNetworks: ['physnet1'], keystone });
}, INSTALLING_MS);
afterAll(async () => {
  await openstack?.stop();
  await keystone?.stop();
  if (folder !== '') await rm(folder, { recursive: true, force: true });
});

/** The settings of an ini from the time of Quantum. */
async function restOf(authUrl: string, password = PASSWORD): Promise<RestOptions> {
  const file = join(folder, 'zvm.ini');
  await writeFile(
    file,
    `[AGENT]
zvm_host = zvm1
xcat_zhcp_nodename = zhcp1
zvm_xcat_server = http://127.0.0.1:1
zvm_xcat_username = admin
zvm_xcat_password = admin
quantum_url = ${openstack?.api.url}
quantum_admin_username = admin
quantum_admin_password = ${password.replaceAll('$', '$$$$')}
quantum_admin_tenant_name = admin
quantum_admin_auth_url = ${authUrl}
`,
  );
  const rest = loadConfiguration({ configFiles: [file], configDirs: [], env: {} }).neutron?.rest;
  if (rest === undefined) throw new Error('the file says nothing of REST');
  return rest;
}

function theServers({ skip }: TestContext): { keystone: RunningKeystone; openstack: Openstack } {
  if (keystone === undefined || openstack === undefined) return skip(missing);
  return { keystone, openstack };
}

test.for(['', '/v3', '/v2.0'])(
  'behind a real Keystone, given as %j, ports and networks of a real Neutron are read',
  async (version, context) => {
    const { keystone: there, openstack: cloud } = theServers(context);
    const networkId = await cloud.api.createNetwork({ physicalNetwork: 'physnet1', segmentationId: 100 });
    const { id, mac_address: mac } = await cloud.api.createPort({ networkId, host: 'zvm1', deviceId: 'LNX10001' });
    const rest = new NeutronRest(await restOf(`${there.url}${version}`));
    expect(await rest.portsOfHost('zvm1')).toMatchObject([{ portId: id, mac, deviceId: 'LNX10001' }]);
    expect(await rest.networks([networkId])).toMatchObject([{ segments: [{ segmentationId: 100 }] }]);
    await rest.close();
    await cloud.api.deletePort(id);
    await cloud.api.deleteNetwork(networkId);
  },
);

test('a user unknown to Keystone reads nothing, and the message has no password', async (context) => {
  const { keystone: there } = theServers(context);
  const rest = new NeutronRest(await restOf(there.url, 'Hush-4$wrong'));
  const failure = await rest.portsOfHost('zvm1').catch((error: unknown) => error);
  expect(failure).toMatchObject({ name: 'NeutronError', code: 'unauthorised' });
  expect(JSON.stringify(failure) + String(failure)).not.toContain('Hush');
  await rest.close();
});
