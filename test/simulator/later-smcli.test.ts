import { afterEach, beforeEach, expect, test } from 'vitest';
import { ACCESS, dnaHarness } from './dna.ts';

/** The smcli that Feilong brings, as its sources have it (zthin). */
let sim: Awaited<ReturnType<typeof dnaHarness>>;
beforeEach(async () => {
  sim = await dnaHarness({ release: '7.4', guests: 3 });
});
afterEach(() => sim.close());

const run = async (...argv: string[]) => {
  const elements = await sim.dsh('zhcp1', `/opt/zthin/bin/smcli ${argv.map((word) => `'${word}'`).join(' ')}`);
  const chunks = elements.flatMap((each) => (Array.isArray(each.data) ? each.data : []));
  return chunks
    .filter((each) => each !== null)
    .join('\n')
    .replaceAll(/^zhcp1: ?/gm, '');
};

test.each([
  ['--addRCheader first', ['--addRCheader', '-T', 'LNX10002']],
  ['--addRCheader last, with a timeout', ['-T', 'LNX10002', '--timeout', '240', '--addRCheader']],
])('says return codes in its first line: %s', async (_title, options) => {
  expect(await run('Image_Lock_DM', ...options)).toBe('0 0 0 (details) None\nDone');
  const text = 'ULGSMC5400E Image or profile definition is locked\n  API issued : Image_Lock_DM';
  expect(await run('Image_Lock_DM', ...options)).toBe(
    `8 400 12 (details) ${text}\nLocking virtual image's directory entry LNX10002... \nFailed\n` +
      `  Return Code: 400\n  Reason Code: 12\n  Description: ${text}`,
  );
});

test('says an error of syntax on stdout, and with the header as 24', async () => {
  expect(await run('Image_Lock_DM', '-x', 'y')).toBe('Unknown option -x');
  expect(await run('Image_Lock_DM', '--addRCheader', '-T')).toBe(
    '24 0 0 (details) Input error\nThis option requires an argument: -T',
  );
});

test('the older program knows neither header nor timeout', async () => {
  const [element] = await sim.dsh('zhcp1', '/opt/zhcp/bin/smcli Image_Query_DM -T LNX10002 --addRCheader');
  expect(element?.error).toEqual([expect.stringContaining("invalid option -- '-'")]);
});

test('tells NICs as z/VM does: one that is not coupled has no LAN', async () => {
  await sim.logonWith('LNX10002', `NICDEF 1000 ${ACCESS} VLAN 42`, 'NICDEF 1003 TYPE QDIO');
  const query = ['Virtual_Network_Adapter_Query_Extended', '-T', 'LNX10002', '-k', 'image_device_number=*'];
  const [count, first = '', second = ''] = (await run(...query)).split(/^(?=adapter_address)/m);
  expect(count).toBe('adapter_count=2\n');
  expect(first).toMatch(/^adapter_address=1000\n[\s\S]*adapter_status=02\nlan_owner=SYSTEM\nlan_name=VSW1\n/);
  expect(first).toMatch(/^mac_address=02000[0-9A-F]{7}$/m);
  expect(second).toMatch(/^adapter_address=1003\n[\s\S]*adapter_status=00\ndevice_options=00000000\n/);
  expect(second).not.toContain('lan_');
  expect(await run('Virtual_Network_Adapter_Query_Extended', '-T', 'LNX10003', '-k', 'image_device_number=*')).toMatch(
    /Reason Code: 8\n {2}Description: ULGSMC5212E Adapter does not exist/,
  );
});

test('writes VLANs as plain numbers, and none as NONE; the older one has four digits', async () => {
  await sim.smcli(
    'Virtual_Network_Vswitch_Create_Extended',
    '-T',
    'ZHCP1',
    '-k',
    'switch_name=BARE',
    '-k',
    'vlan_id=AWARE',
  );
  await sim.set('BARE', 'grant_userid=LNX10001', 'user_vlan_id=42');
  const query = ['Virtual_Network_Vswitch_Query_Extended', '-T', 'ZHCP1', '-k', 'switch_name=BARE'];
  expect(await run(...query)).toMatch(/ vlan_id: NONE\n native_vlan_id: 1\n[\s\S]*user_vlan_id: 42$/);
  expect(await sim.smcli(...query)).toMatch(/ vlan_id: 32768\n native_vlan_id: 0001\n[\s\S]*user_vlan_id: 0042$/);
});

test('lists the VLANs of each live NIC and of its port, in both programs', async () => {
  await sim.logonWith(
    'LNX10002',
    `NICDEF 1000 ${ACCESS} VLAN 100 PORTNUMBER 9`,
    `NICDEF 1003 ${ACCESS} PORTT TRUNK VLAN 5 6`,
  );
  const query = ['Virtual_Network_VLAN_Query_Stats', '-T', 'ZHCP1', '-k', 'userid=LNX10002', '-k', 'device=NIC'];
  const counters = 'pseg_rx = 0\npseg_rx_disc = 0\npseg_tx = 0\npseg_tx_disc = 0\n';
  const nics =
    `portNicArrayCount = 2\n\ntype = NIC\nnic_addr = 1000\nnic_num = 9\n\npseg_vlanid = 100\n${counters}\n` +
    `type = NIC\nnic_addr = 1003\nnic_num = 1\n\npseg_vlanid = 5\n${counters}\npseg_vlanid = 6\n${counters}`;
  expect(await sim.smcli(...query)).toBe(nics);
  expect(await run(...query)).toBe(`portNicArrayCount = 2\n${nics}`);
  expect(await run(...query.slice(0, 5))).toContain('ERROR: Missing required options');
  expect(await sim.smcli(...query.slice(0, 6), 'device=PORT')).toMatch(/type = PORT\nport_name = VSW1\nport_num = 9\n/);
  expect(await sim.smcli(...query.slice(0, 5), '-k', 'VLAN_id=6', '-k', 'device=NIC')).not.toContain('pseg_vlanid = 5');
});

test('counts the bytes of a VSWITCH; the older program does not know the function', async () => {
  await sim.logonWith('LNX10002', `NICDEF 1000 ${ACCESS} VLAN 100`);
  const query = ['Virtual_Network_Vswitch_Query_Byte_Stats', '-T', 'ZHCP1', '-T', 'ZHCP1', '-k', 'switch_name=VSW1'];
  expect(await run(...query)).toMatch(/^vswitch count: 1\n\nvswitch number: 1\nvswitch name: VSW1\nuplink count: 1\n/);
  expect(await run(...query)).toMatch(/nic count: 1\nnic_id: LNX10002 1000\n[\s\S]*vlan count: 1\nvlan_id: 100\n/);
  expect(await sim.smcli(...query)).toContain('Unsupported API function name');
});

test('CP tells of users, the level, the user it runs as, and itself', async () => {
  expect(await sim.vmcp('query userid')).toBe('ZHCP1    AT ZVM1');
  expect(await sim.vmcp('q lnx10001')).toBe('LNX10001 - DSC');
  expect(await sim.vmcp('query user LNX10002')).toBe('HCPCQU045E LNX10002 not logged on');
  expect(await sim.vmcp('q nosuch')).toBe('HCPCQV003E Invalid option - NOSUCH');
  expect(await sim.vmcp('query cplevel')).toMatch(
    /^z\/VM Version 7 Release 4\.0, service level \d{4} \(64-bit\)\nGenerated at .*\nIPL at \d\d\/\d\d\/\d\d \d\d:\d\d:\d\d UTC$/,
  );
});

test('QUERY VSWITCH tells head, authorised users and uplink as they were seen of a z/VM', async () => {
  await sim.set('VSW1', 'grant_userid=LNX10001', 'user_vlan_id=42');
  const [title, ...lines] = (await sim.vmcp('q vswitch vsw1 acc')).split('\n');
  expect(title).toBe('VSWITCH SYSTEM VSW1       Type: QDIO    Connected: 0    Maxconn: INFINITE');
  expect(lines).toEqual([
    '  PERSISTENT  RESTRICTED    ETHERNET                  Accounting: OFF',
    '  USERBASED LOCAL',
    '  VLAN Aware  Default VLAN: 0001    Default Porttype: Access  GVRP: Disabled',
    '              Native  VLAN: 0001    VLAN Counters: OFF',
    '  MAC address: 02-00-00-00-00-13    MAC Protection: Unspecified',
    '  IPTimeout: 5         QueueStorage: 8',
    '  Isolation Status: OFF        VEPA Status: OFF',
    '  Authorized userids:',
    '    LNX10001 Porttype: Access VLAN: 0042',
    ' Uplink Port:',
    '  State: Ready                         PriQueuing: OFF',
    '  PMTUD setting: EXTERNAL   PMTUD value: 8992     Trace Pages: 8',
    '  RDEV: 6266.P00 VDEV: 0600 Controller: DTCVSW1  ACTIVE',
  ]);
  expect(await sim.vmcp('q vswitch nosuch')).toContain('does not exist');
});

test('COUPLE takes a port number, and without a target the network of the NICDEF', async () => {
  await sim.control('POST', '/systems/zhcp1/guests/XCAT/directory', {
    statements: [`NICDEF 0600 TYPE QDIO LAN SYSTEM XCATVSW1`, `NICDEF 0900 ${ACCESS} VLAN 8`],
  });
  const vmcp = async (command: string) => (await sim.dsh('xcat', `vmcp ${command}`))[0]?.data;
  await vmcp('define nic 900 type qdio');
  expect(await vmcp('couple 900')).toEqual(['xcat: NIC 0900 is connected to VSWITCH SYSTEM VSW1']);
  await sim.set('VSW2', 'portnum=12 XCAT', 'user_vlan_id=30');
  await vmcp('define nic a00 type qdio');
  expect(await vmcp('couple a00 to system vsw2 portnumber 12')).toEqual([
    'xcat: NIC 0A00 is connected to VSWITCH SYSTEM VSW2',
  ]);
});
