import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ConfigurationError } from '../../configuration/error.ts';
import { type Configuration, loadConfiguration } from '../../configuration/load.ts';

const ACCESS = '[AGENT]\nzvm_xcat_server = mn\nzvm_xcat_username = admin\nzvm_xcat_password = Hush-1\n';
let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'configuration-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function load(text: string, env: Record<string, string> = {}): Configuration['neutron'] {
  const file = join(folder, 'neutron.conf');
  writeFileSync(file, `${ACCESS}${text}`);
  return loadConfiguration({ configFiles: [file], configDirs: [], env }).neutron;
}

function problemsOf(text: string, env: Record<string, string> = {}): ConfigurationError {
  try {
    load(text, env);
  } catch (error) {
    if (error instanceof ConfigurationError) return error;
    throw error;
  }
  throw new Error('no ConfigurationError was thrown');
}

test('transport_url names brokers, users, virtual host and TLS; without a port it is the one that oslo.messaging takes', () => {
  const bus = load('[DEFAULT]\ntransport_url = rabbit://u:p%40x@one:5671,u2:p2@[fe80::1]//zvm?ssl=1\n')?.bus;
  expect(bus?.transport).toEqual({
    brokers: [
      { host: 'one', port: 5671, username: 'u', password: 'p@x' },
      { host: 'fe80::1', port: 5672, username: 'u2', password: 'p2' },
    ],
    vhost: '/zvm',
    tls: true,
  });
});

test.each([
  ['p%40%C3%A9', 'p@é'],
  ['50%', '50%'],
  ['p%zz+q', 'p%zz+q'],
  ['p:q', 'p:q'],
])('the password %s in a transport_url is %s, as oslo.messaging reads it', (written, password) => {
  const bus = load(`[DEFAULT]\ntransport_url = rabbit://u:${written}@h/\n`)?.bus;
  expect(bus?.transport.brokers).toMatchObject([{ password }]);
});

test.each([
  ['rabbit://u:p@h', '/'],
  ['rabbit://u:p@h/', '/'],
  ['rabbit://u:p@h//', '/'],
  ['rabbit://u:p@h/openstack', 'openstack'],
])('the virtual host of %s is %s', (url, vhost) => {
  expect(load(`[DEFAULT]\ntransport_url = ${url}\n`)?.bus?.transport).toMatchObject({
    vhost,
    brokers: [{ port: 5672 }],
  });
});

test('the keys of before 2014 make up the same', () => {
  const text =
    '[DEFAULT]\nrabbit_hosts = one:5673, two\nrabbit_userid = u\nrabbit_password = p/x\nrabbit_virtual_host = /\n';
  expect(load(text)?.bus?.transport).toEqual({
    brokers: [
      { host: 'one', port: 5673, username: 'u', password: 'p/x' },
      { host: 'two', port: 5672, username: 'u', password: 'p/x' },
    ],
    vhost: '/',
    tls: false,
  });
});

test('the flags of a deployment’s exchanges, its time-outs and certificates are read where oslo.messaging reads them', () => {
  const text = `[DEFAULT]
transport_url = rabbit://u:p@h/
control_exchange = neutron2
rpc_response_timeout = 90
[AGENT]
report_interval = 7.5
[oslo_messaging_rabbit]
ssl = true
ssl_ca_file = /etc/ca.pem
heartbeat_timeout_threshold = 30
rabbit_quorum_queue = true
rabbit_transient_quorum_queue = true
`;
  expect(load(text)?.bus).toMatchObject({
    exchange: 'neutron2',
    rpcTimeoutSeconds: 90,
    reportIntervalSeconds: 7.5,
    heartbeatSeconds: 30,
    flags: { durable: true, autoDelete: false, durableFanout: true, quorumQueues: true },
    tls: { verify: true, caFile: '/etc/ca.pem' },
    transport: { tls: true, brokers: [{ port: 5672 }] },
  });
});

test('options of the broker in the query of transport_url go before those of the files, as with oslo.messaging', () => {
  const text = `[DEFAULT]
transport_url = rabbit://u:p@h/?ssl=1&ssl_ca_file=/etc/of%20url.pem&amqp_durable_queues=true&heartbeat_timeout_threshold=7
[oslo_messaging_rabbit]
ssl_ca_file = /etc/of-file.pem
amqp_auto_delete = true
`;
  expect(load(text)?.bus).toMatchObject({
    flags: { durable: true, autoDelete: true },
    heartbeatSeconds: 7,
    tls: { caFile: '/etc/of url.pem' },
    transport: { tls: true },
  });
  const wrong = problemsOf('[DEFAULT]\ntransport_url = rabbit://u:Hush-4@h/?amqp_durable_queues=perhaps\n');
  expect(wrong.problems).toMatchObject([{ key: 'transport_url' }]);
  expect(wrong.message).toContain('amqp_durable_queues');
  expect(wrong.message).not.toContain('Hush-4');
});

test('their names of before 2018 are read too, and the broker of notifications is not taken for that of RPC', () => {
  const text = `[DEFAULT]
rabbit_host = h
rabbit_use_ssl = true
kombu_ssl_ca_certs = /etc/ca.pem
kombu_ssl_certfile = /etc/agent.pem
kombu_ssl_keyfile = /etc/agent.key
rabbit_durable_queues = true
[oslo_messaging_notifications]
transport_url = rabbit://u:p@elsewhere/notifications
`;
  expect(load(text)?.bus).toMatchObject({
    flags: { durable: true },
    tls: { verify: true, caFile: '/etc/ca.pem', certFile: '/etc/agent.pem', keyFile: '/etc/agent.key' },
    transport: { tls: true, vhost: '/', brokers: [{ host: 'h', port: 5672 }] },
  });
});

test.each(['rabbit://u:Hush-2@', 'kafka://u:Hush-2@h', 'Hush-2'])(
  'a transport_url that is none is an error that does not show it: %s',
  (url) => {
    const failure = problemsOf(`[DEFAULT]\ntransport_url = ${url}\n`);
    expect(failure.problems).toMatchObject([{ section: 'DEFAULT', key: 'transport_url' }]);
    expect(failure.message).not.toContain('Hush-2');
    expect(problemsOf('', { ZVM_TRANSPORT_URL: url }).message).not.toContain('Hush-2');
  },
);

test('the REST API of the historic keys is read with Keystone, or without', () => {
  const keys = `[AGENT]
quantum_url = http://controller:9696
quantum_admin_username = quantum
quantum_admin_password = Hush-3
quantum_admin_tenant_name = services
quantum_admin_auth_url = http://controller:35357/v2.0
`;
  expect(load(keys)?.rest).toMatchObject({
    url: 'http://controller:9696',
    auth: {
      strategy: 'keystone',
      authUrl: 'http://controller:35357/v2.0',
      username: 'quantum',
      password: 'Hush-3',
      project: 'services',
    },
  });
  expect(load('[DEFAULT]\nneutron_url = http://c:9696\nneutron_auth_strategy = noauth\n')?.rest?.auth).toEqual({
    strategy: 'noauth',
  });
  const missing = problemsOf('[AGENT]\nquantum_url = http://controller:9696\n').problems;
  expect(missing.map(({ key }) => key).toSorted()).toEqual([
    'quantum_admin_auth_url',
    'quantum_admin_password',
    'quantum_admin_username',
  ]);
});

test('a wrong address of the bus or of the REST API hides no mistake in the keys beside it', () => {
  const bus = `[DEFAULT]
transport_url = kafka://h
rpc_response_timeout = soon
[oslo_messaging_rabbit]
amqp_auto_delete = perhaps
`;
  expect(
    problemsOf(bus)
      .problems.map(({ key }) => key)
      .toSorted(),
  ).toEqual(['amqp_auto_delete', 'rpc_response_timeout', 'transport_url']);
  const rest =
    '[AGENT]\nneutron_url = controller\nneutron_auth_strategy = token\nneutron_admin_auth_url = controller\n';
  expect(problemsOf(rest).problems.map(({ key }) => key)).toEqual(
    expect.arrayContaining(['neutron_url', 'neutron_auth_strategy', 'neutron_admin_auth_url']),
  );
});

test('without either, Neutron is not configured', () => {
  expect(load('')).toBeUndefined();
});

test('a DHCP node that is reported for needs its userid', () => {
  expect(problemsOf('[AGENT]\ndhcp_host = dhcpnode1\n').problems).toMatchObject([{ key: 'dhcp_userid' }]);
});
