import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { BEHAVIOUR_SETTINGS } from '../../configuration/behaviour-settings.ts';
import { ConfigurationError } from '../../configuration/error.ts';
import { type Configuration, loadConfiguration } from '../../configuration/load.ts';
import { BEHAVIOUR_NAMES } from '../../domain/host/probed-behaviour.ts';

const fixtures = ['neutron.conf', 'nova.conf', 'neutron_zvm_plugin.ini'].map((name) =>
  fileURLToPath(new URL(`fixtures/${name}`, import.meta.url)),
);
const ACCESS = '[AGENT]\nzvm_xcat_server = mn\nzvm_xcat_username = admin\nzvm_xcat_password = Hush-1\n';

/** The defaults of VSWITCHes. */
const MADE = { portSelection: 'USERBASED', transport: 'ETHERNET' };

let directory = '';
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'configuration-'));
});
afterAll(() => rmSync(directory, { recursive: true }));

function load(texts: string[], env: Record<string, string> = {}): Configuration {
  const configFiles = texts.map((text, index) => {
    const path = join(directory, `file${index + 1}.ini`);
    writeFileSync(path, text);
    return path;
  });
  return loadConfiguration({ configFiles, configDirs: [], env });
}

function failure(action: () => unknown): ConfigurationError {
  try {
    action();
  } catch (error) {
    if (error instanceof ConfigurationError) return error;
    throw error;
  }
  throw new Error('no ConfigurationError was thrown');
}

describe('A VSWITCH that is to be made', () => {
  const made = (texts: string[]) =>
    load(texts).hosts[0]?.physicalNetworks.map(({ rdevs, portSelection, transport }) => ({
      rdevs,
      portSelection,
      transport,
    }));

  test('has its uplinks, kind of VLANs and layer in the section of its physical network', () => {
    const text = `${ACCESS}[ml2_type_vlan]\nnetwork_vlan_ranges = net1\n[net1]\nrdev_list = a3 6243\nport_selection = PortBased\ntransport_type = ip\n`;
    expect(made([text])).toEqual([{ rdevs: ['00A3', '6243'], portSelection: 'PORTBASED', transport: 'IP' }]);
  });

  test('of another kind than there are is an error with section and key', () => {
    const text = `${ACCESS}[ml2_type_vlan]\nnetwork_vlan_ranges = net1\n[net1]\nport_selection = both\n`;
    expect(failure(() => load([text])).problems).toMatchObject([{ section: 'net1', key: 'port_selection' }]);
  });
});

test('The management network needs both its address and its mask', () => {
  expect(failure(() => load([`${ACCESS}xcat_mgt_ip = 10.1.0.1\n`])).problems).toMatchObject([{ key: 'xcat_mgt_mask' }]);
  expect(failure(() => load([`${ACCESS}xcat_mgt_mask = 255.0.0.0\n`])).problems).toMatchObject([
    { key: 'xcat_mgt_ip' },
  ]);
});

test('Levels of z/VM may be given, for one host or for all', () => {
  const levels = 'zvm_release = 7.4\nzvm_smapi_level = V7.2\nzvm_smcli = Feilong\n';
  const { hosts } = load([`${ACCESS}${levels}zvm_directory_network_authorization = enabled\n`]);
  expect(hosts.map(({ capabilities }) => capabilities)).toEqual([
    { release: '7.4', directoryNetworkAuthorization: 'enabled', smapiLevel: 'V7.2', smcli: 'feilong' },
  ]);
  const wrong = failure(() => load([`${ACCESS}zvm_release = seven\nzvm_directory_network_authorization = on\n`]));
  expect(wrong.problems).toMatchObject([
    { key: 'zvm_release' },
    { key: 'zvm_directory_network_authorization', allowed: 'enabled, disabled, absent' },
  ]);
});

describe('The behaviour of z/VM', () => {
  const behaviourIn = (text: string) =>
    load([`${ACCESS}${text}`]).hosts.map(({ capabilities }) => capabilities?.behaviour);

  test('may be given, each answer for itself, in whatever case', () => {
    const text = [
      'zvm_couple_reads_directory = yes',
      'zvm_nicdefs_at_once = FIRSTONLY',
      'zvm_logged_off = 8/45',
      'zvm_nicdef_keywords = vlan, PORTTYPE',
      'zvm_directory_pause_ms = 1000',
    ].join('\n');
    expect(behaviourIn(text)).toEqual([
      {
        coupleReadsDirectory: true,
        nicdefsAtOnce: 'firstOnly',
        loggedOff: '8/45',
        nicdefKeywords: ['VLAN', 'PORTTYPE'],
        directoryPauseMs: 1000,
      },
    ]);
    expect(behaviourIn('zvm_nicdef_keywords = none\n')).toEqual([{ nicdefKeywords: [] }]);
    expect(behaviourIn('')).toEqual([undefined]);
  });

  test('in another word than there is is an error with key and allowed words', () => {
    const wrong = failure(() => load([`${ACCESS}zvm_vlan_winner = both\nzvm_nicdef_keywords = VLAN, VLANS\n`]));
    expect(wrong.problems).toMatchObject([
      { key: 'zvm_nicdef_keywords' },
      { key: 'zvm_vlan_winner', allowed: 'nicdef, grant' },
    ]);
  });

  test('has the keys of the table in docs/configuration.md', () => {
    const text = readFileSync(join(import.meta.dirname, '../../docs/configuration.md'), 'utf8');
    const table = text
      .split('## How z/VM behaves')[1]
      ?.match(/^\| `.*$/gm)
      ?.slice(0, BEHAVIOUR_SETTINGS.length);
    expect(table).toEqual(
      BEHAVIOUR_SETTINGS.map(
        ({ name, setting }) => `| \`${setting.key}\` | ${setting.allowed} | ${BEHAVIOUR_NAMES[name]} |`,
      ),
    );
  });
});

test('The members of an SSI cluster may be given, or that there are none', () => {
  const membersIn = (line: string) => load([`${ACCESS}${line}\n`]).hosts.map(({ ssiMembers }) => ssiMembers);
  expect(membersIn('zvm_ssi_members = zhcp1, zhcp2')).toEqual([['zhcp1', 'zhcp2']]);
  expect(membersIn('zvm_ssi_members = none')).toEqual([[]]);
  expect(membersIn('')).toEqual([undefined]);
  const wrong = failure(() => load([`${ACCESS}zvm_ssi_members = zhcp 1\n`]));
  expect(wrong.problems).toMatchObject([{ key: 'zvm_ssi_members' }]);
});

describe('The historic files', () => {
  test('give one host, unchanged', () => {
    expect(loadConfiguration({ configFiles: fixtures, configDirs: [], env: {} })).toEqual({
      hosts: [
        {
          host: 'opnstk1',
          zhcpNode: 'zhcp',
          xcat: {
            server: '10.0.0.1',
            url: 'https://10.0.0.1',
            username: 'mnadmin',
            password: 'pa#ss;word',
            timeoutSeconds: 300,
            verifyTls: true,
            credentialsInQuery: false,
          },
          physicalNetworks: [
            { name: 'xcatvsw2', vswitch: 'XCATVSW2', flat: true, vlanRanges: [], rdevs: [], ...MADE },
            { name: 'datanet2', vswitch: 'DATANET2', flat: true, vlanRanges: [], rdevs: [], ...MADE },
            {
              name: 'datanet1',
              vswitch: 'DATANET1',
              flat: false,
              vlanRanges: [{ from: 1, to: 4094 }],
              rdevs: ['00A3'],
              ...MADE,
            },
            {
              name: 'datanet3',
              vswitch: 'DATANET3',
              flat: false,
              vlanRanges: [{ from: 10, to: 100 }],
              rdevs: ['6000', '6003', '6005'],
              ...MADE,
            },
          ],
          defaultNicVdev: 0x1000,
          managementNetwork: { address: '10.1.0.1', mask: '255.255.0.0' },
          makeDns: false,
          directoryOnline: false,
          macPrefix: '02:00:00',
        },
      ],
      neutron: {
        bus: {
          transport: {
            brokers: [{ host: 'controller', port: 5672, username: 'neutron', password: '$ecret' }],
            vhost: '/',
            tls: false,
          },
          exchange: 'neutron',
          flags: { durable: false, autoDelete: false, durableFanout: false, quorumQueues: false },
          heartbeatSeconds: 60,
          tls: { verify: true },
          rpcTimeoutSeconds: 60,
          reportIntervalSeconds: 30,
        },
      },
      worker: { pollingIntervalSeconds: 2, directorySweepSeconds: 3_600, versioning: true, logLevel: 'info' },
    });
  });

  test('take their password and user from the environment first', () => {
    const env = { ZVM_XCAT_PASSWORD: 'other', ZVM_XCAT_USERNAME: 'me' };
    const { hosts } = loadConfiguration({ configFiles: fixtures, configDirs: [], env });
    expect(hosts[0]?.xcat).toMatchObject({ username: 'me', password: 'other' });
  });
});

describe('Sources', () => {
  test('a later file overrides an earlier one, a directory both, and only its *.conf files count', () => {
    const path = join(directory, 'first.ini');
    writeFileSync(path, `${ACCESS}polling_interval = 5\n`);
    const configDir = join(directory, 'conf.d');
    mkdirSync(configDir);
    writeFileSync(join(configDir, 'b.conf'), '[agent]\npolling_interval = 7\n');
    writeFileSync(join(configDir, 'a.conf'), '[agent]\npolling_interval = 6\n');
    writeFileSync(join(configDir, 'c.txt'), '[agent]\npolling_interval = 8\n');
    const { worker } = loadConfiguration({ configFiles: [path], configDirs: [configDir], env: {} });
    expect(worker.pollingIntervalSeconds).toBe(7);
  });

  test('a file and a directory that cannot be read are named, without talk of missing keys', () => {
    const error = failure(() => loadConfiguration({ configFiles: ['no.ini'], configDirs: ['no.d'], env: {} }));
    expect(error.problems.map(({ file }) => file).toSorted()).toEqual(['no.d', 'no.ini']);
  });
});

describe('Hosts', () => {
  test.each([
    ['host = one\n[agent]\nzvm_host = two', 'two'],
    ['[agent]\nzvm_host = two', 'two'],
    ['[agent]\nxcat_zhcp_nodename = three', 'three'],
  ])('take their name from zvm_host, as the historic agent did, then host, then the zHCP: %j', (text, name) => {
    expect(load([ACCESS, `[DEFAULT]\n${text}`]).hosts[0]?.host).toBe(name);
  });

  test('of sections override the shared keys, each its own', () => {
    const own = '[zvm_host:A]\nxcat_zhcp_nodename = za\n[zvm_host:B]\nxcat_zhcp_nodename = zb\nflat_networks = vsw9\n';
    const uplink = '[zvm_host:B:vsw9]\nrdev_list = 7000\n[ml2_type_flat]\nflat_networks = vsw1\n';
    const { hosts } = load([own + uplink, ACCESS]);
    expect(hosts.map(({ host, zhcpNode }) => [host, zhcpNode])).toEqual([
      ['A', 'za'],
      ['B', 'zb'],
    ]);
    expect(hosts.map(({ physicalNetworks }) => physicalNetworks.map(({ vswitch, rdevs }) => [vswitch, rdevs]))).toEqual(
      [[['VSW1', []]], [['VSW9', ['7000']]]],
    );
  });

  test('may not share a zHCP', () => {
    expect(failure(() => load([`${ACCESS}[zvm_host:A]\n[zvm_host:B]`])).message).toContain('the zHCP of both A and B');
  });
});

describe('Physical networks', () => {
  test('follow the mappings; * makes every mapped one flat; ranges of one name merge', () => {
    const text =
      '[ovs]\nbridge_mappings = physnet1:vsw1,physnet2:VSW2\n[ml2_type_flat]\nflat_networks = *\n' +
      '[ml2_type_vlan]\nnetwork_vlan_ranges = physnet2:4000:4094,physnet2:1:10,physnet2:11:20,vsw3\n';
    expect(load([ACCESS, text]).hosts[0]?.physicalNetworks).toMatchObject([
      {
        name: 'physnet2',
        vswitch: 'VSW2',
        flat: true,
        vlanRanges: [
          { from: 1, to: 20 },
          { from: 4000, to: 4094 },
        ],
      },
      { name: 'vsw3', vswitch: 'VSW3', flat: false, vlanRanges: [{ from: 1, to: 4094 }] },
      { name: 'physnet1', vswitch: 'VSW1', flat: true, vlanRanges: [] },
    ]);
  });

  test.each(['p:0:10', 'p:1:4095', 'p:20:10', 'p:5', 'p:1:2:3', ':1:2'])('refuse the VLAN range %s', (range) => {
    const error = failure(() => load([ACCESS, `[ml2_type_vlan]\nnetwork_vlan_ranges = ${range}`]));
    expect(error.problems).toMatchObject([{ line: 2, section: 'ml2_type_vlan', key: 'network_vlan_ranges' }]);
  });

  test('refuse a name that is no VSWITCH and two names for one VSWITCH', () => {
    const { message } = failure(() => load([ACCESS, '[ml2_type_flat]\nflat_networks = toolongname,vsw1,VSW1']));
    expect(message).toContain('"toolongname" has no mapping');
    expect(message).toContain('"VSW1" and "vsw1" both map to VSWITCH VSW1');
  });
});

describe('xCAT server', () => {
  test.each([
    ['mn.example.com:8443', 'https://mn.example.com:8443'],
    ['http://127.0.0.1:3000', 'http://127.0.0.1:3000'],
    ['fd00::1', 'https://[fd00::1]'],
  ])('%s is %s', (server, url) => {
    expect(load([ACCESS, `[AGENT]\nzvm_xcat_server = ${server}`]).hosts[0]?.xcat?.url).toBe(url);
  });

  test('with a path or a user is refused, and the password in it not shown', () => {
    const { message } = failure(() => load([ACCESS, '[AGENT]\nzvm_xcat_server = https://u:Hush-2@mn/xcatws']));
    expect(message).toContain('zvm_xcat_server');
    expect(message).not.toContain('Hush-2');
  });
});

describe('Problems', () => {
  test('are listed all at once with file, line, section, key and what is allowed; secrets are not', () => {
    const text =
      '[DEFAULT]\nbase_mac = 03:00:00:00:00:00\nzvm_default_nic_vdev = FFFE\n' +
      '[AGENT]\npolling_interval = soon\nzvm_xcat_password = Hush-3$nothing\nzvm_xcat_verify_tls = maybe\n[vsw1]\nrdev_list = xyz\n' +
      '[ml2_type_flat]\nflat_networks = vsw1\n';
    const error = failure(() => load([text]));
    expect(error.problems.map(({ key }) => key).toSorted()).toEqual(
      [
        'base_mac',
        'polling_interval',
        'rdev_list',
        'zvm_default_nic_vdev',
        'zvm_xcat_password',
        'zvm_xcat_server',
        'zvm_xcat_username',
        'zvm_xcat_verify_tls',
      ].toSorted(),
    );
    expect(error.message).toContain(
      'file1.ini:5: [AGENT] polling_interval: "soon" is not a whole number (allowed: 1 to 86400',
    );
    expect(error.message).not.toMatch(/Hush|nothing/);
  });

  test('of a list of networks hide neither those of the networks that it names nor those of their VSWITCHes', () => {
    const text = `[ovs]
bridge_mappings = toolongname1:VSW1,toolongname2
[ml2_type_vlan]
network_vlan_ranges = vsw3:5000:6000,vsw4,toolongname1,toolongname2
[vsw3]
port_selection = both
[vsw4]
transport_type = token
[VSW1]
rdev_list = xyz
[toolongname2]
rdev_list = zyx
`;
    expect(failure(() => load([ACCESS, text])).problems.map(({ section, key }) => `${section} ${key}`)).toEqual([
      'ovs bridge_mappings',
      'ml2_type_vlan network_vlan_ranges',
      'vsw3 port_selection',
      'vsw4 transport_type',
      'VSW1 rdev_list',
      'toolongname2 rdev_list',
    ]);
  });

  test('of no file at all name the keys that are missing', () => {
    expect(failure(() => load([])).problems.map(({ key }) => key)).toEqual([
      'zvm_xcat_server',
      'zvm_xcat_username',
      'zvm_xcat_password',
    ]);
  });
});

describe('References', () => {
  test('are resolved as oslo.config does, a secret only in a secret', () => {
    const text = '[DEFAULT]\nmy_name = zvm7\nhost = $my_name\n[AGENT]\nzvm_xcat_password = a$$b\n';
    expect(load([ACCESS, text]).hosts[0]).toMatchObject({ host: 'zvm7', xcat: { password: 'a$b' } });
    const { message } = failure(() => load([ACCESS, '[DEFAULT]\nhost = $agent.zvm_xcat_password\n']));
    expect(message).toContain('which is a secret');
    expect(failure(() => load([ACCESS, '[DEFAULT]\nhost = $host\n'])).message).toContain('refers back to it');
  });
});
