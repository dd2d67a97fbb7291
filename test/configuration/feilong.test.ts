import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { loadConfiguration } from '../../configuration/load.ts';

const folder = mkdtempSync(join(tmpdir(), 'configuration-feilong-'));
afterAll(() => rmSync(folder, { recursive: true }));

function load(text: string, env: Record<string, string> = {}) {
  const file = join(folder, 'agent.ini');
  writeFileSync(file, text);
  return loadConfiguration({ configFiles: [file], configDirs: [], env });
}

/** The ini of the agent that called the connector, as it was. */
const HISTORIC = `[DEFAULT]
host = zvm7
base_mac = 02:00:00:00:00:00
[AGENT]
cloud_connector_url = https://feilong.example.com:8080
cloud_connector_ca_file = /etc/zvm/ca.pem
vswitch_mappings = datanet1:VSW1
[ml2_type_vlan]
network_vlan_ranges = datanet1:100:200
[datanet1]
rdev_list = 6243, 6283
`;

test('the historic ini of the connector is read unchanged', () => {
  expect(load(HISTORIC).hosts).toMatchObject([
    {
      host: 'zvm7',
      feilong: { url: 'https://feilong.example.com:8080', caFile: '/etc/zvm/ca.pem', verifyTls: true },
      macPrefix: '02:00:00',
      physicalNetworks: [{ name: 'datanet1', vswitch: 'VSW1', rdevs: ['6243', '6283'] }],
    },
  ]);
  expect(load(HISTORIC).hosts[0]).not.toHaveProperty('xcat');
});

test('where the files name both servers, they have to say which', () => {
  const both = `${HISTORIC}[zvm]\nzvm_xcat_server = mn\nzvm_xcat_username = a\nzvm_xcat_password = b\n`;
  expect(() => load(both)).toThrow('zvm_backend');
  expect(load(`${both}zvm_backend = xcat\n`).hosts[0]).toMatchObject({ xcat: { server: 'mn' } });
  expect(load(`${both}zvm_backend = feilong\n`).hosts[0]).toHaveProperty('feilong');
});

test('a host by Feilong needs base_mac, and the password of a proxy with its user', () => {
  expect(() => load(HISTORIC.replace(/base_mac.*\n/, ''))).toThrow('base_mac');
  const proxy = HISTORIC.replace('[AGENT]', '[AGENT]\nzvm_feilong_username = me');
  expect(() => load(proxy)).toThrow('zvm_feilong_password');
  expect(load(proxy, { ZVM_FEILONG_PASSWORD: 'secret' }).hosts[0]?.feilong).toMatchObject({ password: 'secret' });
});

test('a user in the URL of Feilong is refused, and not shown', () => {
  const text = HISTORIC.replace('https://', 'https://me:s3cret@');
  expect(() => load(text)).toThrow('cloud_connector_url');
  expect(() => load(text)).not.toThrow('s3cret');
});
