import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { harness } from './harness.ts';

let it_: Awaited<ReturnType<typeof harness>>;
beforeAll(async () => {
  it_ = await harness();
});
afterAll(async () => {
  await it_.close();
});

type Case = [number: number, title: string, method: string, path: string, body: unknown, query: string, data: unknown];
const ROW = 'switch.node=os1 switch.port=p-1 switch.interface=1000 switch.comments=zhcp1';
const HEADER = '#node,switch,port,vlan,interface,comments,disable';

const CASES: Case[] = [
  [
    1,
    'tells its version',
    'GET',
    '/version',
    undefined,
    '',
    [{ data: ['Version 2.8.3.16 (built Mon Apr 27 10:50:11 EDT 2015)'] }],
  ],
  [
    2,
    'knows the site master',
    'GET',
    '/tables/site',
    undefined,
    '&col=key&value=master&attribute=value',
    [{ data: ['10.1.0.2'] }],
  ],
  [
    3,
    'knows the MN by its address',
    'GET',
    '/tables/hosts',
    undefined,
    '&col=ip&value=10.1.0.2&attribute=node',
    [{ data: ['xcat'] }],
  ],
  [
    4,
    'answers nothing for an unknown address',
    'GET',
    '/tables/hosts',
    undefined,
    '&col=ip&value=1.1.1.1&attribute=node',
    [],
  ],
  [
    5,
    'knows the userid of a zHCP',
    'GET',
    '/tables/zvm',
    undefined,
    '&col=node&value=zhcp1&attribute=userid',
    [{ data: ['ZHCP1'] }],
  ],
  [6, 'dumps an empty table as its header', 'GET', '/tables/switch', undefined, '', [{ data: [HEADER] }]],
  [
    11,
    'refuses an unknown table',
    'GET',
    '/tables/nosuch',
    undefined,
    '',
    [{ error: ['No such table: nosuch'], errorcode: ['1'] }],
  ],
  [19, 'inserts a row', 'PUT', '/tables/switch', [ROW], '', []],
  [
    7,
    'dumps what Nova wrote',
    'GET',
    '/tables/switch',
    undefined,
    '',
    [{ data: [HEADER, '"os1",,"p-1",,"1000","zhcp1",'] }],
  ],
  [
    20,
    'refuses a second row of the same key',
    'PUT',
    '/tables/switch',
    [ROW],
    '',
    [{ error: ['DB error UNIQUE constraint failed: switch.node, switch.switch, switch.port'], errorcode: ['4'] }],
  ],
  [
    12,
    'gets one attribute',
    'GET',
    '/tables/switch',
    undefined,
    '&col=port&value=p-1&attribute=interface',
    [{ data: ['1000'] }],
  ],
  [
    14,
    'answers nothing for an unknown port',
    'GET',
    '/tables/switch',
    undefined,
    '&col=port&value=p-2&attribute=node',
    [],
  ],
  [
    15,
    'refuses an unknown key column',
    'GET',
    '/tables/switch',
    undefined,
    '&col=foo&value=1&attribute=node',
    [{ error: ['Unknown key foo to switch'], errorcode: ['1'] }],
  ],
  [
    16,
    'gets two attributes',
    'GET',
    '/tables/switch',
    undefined,
    '&col=port&value=p-1&attribute=node&attribute=interface',
    [{ data: ['switch.node: os1'] }, { data: ['switch.interface: 1000'] }],
  ],
  [17, 'updates a row', 'PUT', '/tables/switch', ['port=p-1 switch.switch=vsw1 switch.vlan=200'], '', []],
  [
    18,
    'makes a phantom row of an unknown port',
    'PUT',
    '/tables/switch',
    ['port=p-9 switch.switch=vsw1 switch.vlan=-1'],
    '',
    [],
  ],
  [
    9,
    'dumps the bound and the phantom row',
    'GET',
    '/tables/switch',
    undefined,
    '',
    [{ data: [HEADER, '"os1","vsw1","p-1","200","1000","zhcp1",', ',"vsw1","p-9","-1",,,'] }],
  ],
  [21, 'deletes rows', 'PUT', '/tables/switch', ['-d node=os1 switch'], '', []],
  [
    22,
    'refuses an unknown column',
    'PUT',
    '/tables/switch',
    ['port=p-1 switch.foo=1'],
    '',
    [{ error: ['switch.foo not a valid table.column description'], errorcode: ['1'] }],
  ],
  [
    31,
    'shows the NIC of the MN',
    'PUT',
    '/nodes/xcat/dsh',
    ['command=vmcp q v nic'],
    '',
    [
      {
        data: [
          'xcat: Adapter 0600.P00 Type: QDIO      Name: UNASSIGNED  Devices: 3\nxcat:   MAC: 02-00-06-00-05-38         VSWITCH: SYSTEM XCATVSW1',
        ],
      },
      { errorcode: ['0'] },
    ],
  ],
  [
    32,
    'misses a NIC',
    'PUT',
    '/nodes/xcat/dsh',
    ['command=vmcp q v nic 800'],
    '',
    [
      { data: ['xcat: HCPNDQ040E Device 0800 does not exist'] },
      {
        error: ["xcat: Error: non-zero CP response for command 'Q V NIC 800': #40"],
        errorcode: ['0'],
        NoErrorPrefix: ['1'],
      },
      { errorcode: ['1'] },
    ],
  ],
  [
    39,
    'misses a VSWITCH',
    'PUT',
    '/nodes/zhcp1/dsh',
    ['command=/opt/zhcp/bin/smcli Virtual_Network_Vswitch_Query -T ZHCP1 -s vsw9'],
    '',
    [
      {
        data: [
          'zhcp1: Failed\nzhcp1:   Return Code: 212\nzhcp1:   Reason Code: 40\nzhcp1:   Description: Virtual switch does not exist',
        ],
      },
      { errorcode: ['1'] },
    ],
  ],
  [
    65,
    'writes a script',
    'PUT',
    '/nodes/zhcp1/dsh',
    [
      'command=echo -e "#!/bin/sh\n/opt/zhcp/bin/smcli Virtual_Network_Vswitch_Set_Extended -T ZHCP1 -k switch_name=VSW1 -k grant_userid=OS1 -k user_vlan_id=10" > grant.sh',
    ],
    '',
    [{ errorcode: ['0'] }],
  ],
  [
    66,
    'runs the script',
    'PUT',
    '/nodes/zhcp1/dsh',
    ['command=sh grant.sh;rm -f grant.sh'],
    '',
    [{ data: ['zhcp1: Changing virtual switch configuration ... Done'] }, { errorcode: ['0'] }],
  ],
  [
    67,
    'refuses an unknown function',
    'PUT',
    '/nodes/zhcp1/dsh',
    ['command=/opt/zhcp/bin/smcli Nosuch -T X'],
    '',
    [{ data: ['zhcp1: ERROR: Unsupported API function name', null] }, { errorcode: ['1'] }],
  ],
  [
    68,
    'refuses an unknown command',
    'PUT',
    '/nodes/zhcp1/dsh',
    ['command=nosuch'],
    '',
    [
      { error: ['zhcp1: bash: nosuch: command not found'], errorcode: ['0'], NoErrorPrefix: ['1'] },
      { errorcode: ['1'] },
    ],
  ],
  [
    62,
    'finds no NIC in the directory',
    'GET',
    '/vms/lnx10001',
    undefined,
    '&checknics=1000',
    [{ error: ['lnx10001: (Error) not able to find 1000 in user direct'], errorcode: ['1'] }],
  ],
  [
    57,
    'adds a NIC to the directory',
    'PUT',
    '/vms/lnx10001',
    [
      '--smcli',
      "Image_Definition_Update_DM -T %userid% -k 'NICDEF=VDEV=1000 TYPE=QDIO MACID=112233 LAN=SYSTEM SWITCHNAME=vsw1'",
    ],
    '',
    [],
  ],
  [61, 'finds the NIC in the directory', 'GET', '/vms/lnx10001', undefined, '&checknics=1000', [{ info: [null] }]],
  [
    60,
    'refuses an unknown chvm option',
    'PUT',
    '/vms/lnx10001',
    ['--bogus'],
    '',
    [{ error: ["lnx10001: (Error) Option '--bogus' not supported on chvm"], errorcode: ['1'] }],
  ],
  [71, 'makes hosts', 'PUT', '/networks/makehosts', undefined, '', []],
];

describe('conformance with the real programs', () => {
  it.each(CASES)('Case %i: the MN %s', async (_number, _title, method, path, body, query, data) => {
    const reply = await it_.call(method, path, body, query);
    expect(reply.type).toBe('application/json; charset=ISO-8859-1');
    expect(reply.status).toBe(200);
    expect(reply.json()).toEqual({ data });
  });

  it.each([
    [23, 'PUT', '/tables/switch', [], 400, 'No set attribute was supplied.'],
    [24, 'DELETE', '/tables/switch', undefined, 405, "request method 'DELETE' is not supported on resource 'tables'"],
    [25, 'GET', '/foo', undefined, 404, "Resource 'foo' does not exist"],
    [27, 'PUT', '/nodes/nope/dsh', ['command=true'], 403, '<p>Invalid nodes and/or groups in noderange: nope</p>'],
  ])('Case %i: %s %s is refused with its status and text.', async (_number, method, path, body, status, text) => {
    expect(await it_.call(method, path, body)).toMatchObject({ status, text });
  });

  it('answers 500 to a body that is no JSON and 201 to a new node (cases 30 and 72).', async () => {
    expect((await it_.call('PUT', '/tables/switch', '{bad')).status).toBe(500);
    expect((await it_.call('POST', '/nodes/os1', ['userid=OS1', 'hcp=zhcp1.zvm.example', 'mgt=zvm'])).status).toBe(201);
  });

  it('takes credentials from query or headers and refuses wrong or absent ones (cases 26 and 74).', async () => {
    const get = async (query: string, headers = {}) => {
      const response = await fetch(`${it_.simulator.url}/xcatws/version?format=json${query}`, { headers });
      return [response.status, await response.text()];
    };
    expect(await get('&userName=admin&password=no')).toEqual([401, '<p>Authentication failure</p>']);
    expect(await get('')).toEqual([401, '<p>Permission denied for request</p>']);
    expect((await get('', { userName: 'admin', password: 'admin' }))[0]).toBe(200);
  });

  it('answers a boot time that is the same on every call (case 63).', async () => {
    const command = `date -d "$(awk -F. '{print $1}' /proc/uptime) second ago" +"%Y-%m-%d %H:%M:%S"`;
    const first = await it_.dsh('xcat', command);
    expect(JSON.stringify(first)).toMatch(/xcat: \d{4}-\d\d-\d\d \d\d:\d\d:\d\d/);
    expect(await it_.dsh('xcat', command)).toEqual(first);
  });

  it('runs several framed commands in one script, one after the other and at once.', async () => {
    const framed = (nonce: string, name: string) =>
      `( /opt/zhcp/bin/smcli Virtual_Network_Vswitch_Query_Extended '-T' 'ZHCP1' '-k' 'switch_name=${name}' 2>&1; rc=$?; printf '\\n%s %s %s\\n' '@${nonce}' 0 "$rc"; [ "$rc" -eq 0 ] || exit 0\n printf 'more\\n' )`;
    const serial = JSON.stringify(await it_.dsh('zhcp1', `${framed('a', 'VSW1')}\n${framed('b', 'NONE')}`));
    expect(serial).toContain('@a 0 0\\nzhcp1: more');
    expect(serial).toContain('zhcp1: \\nzhcp1: @b 0 1');
    const parallel = `${framed('a', 'VSW1')} > /tmp/x.$$ 2>&1 &\nwait\ncat /tmp/x.$$; rm -f /tmp/x.$$`;
    expect(JSON.stringify(await it_.dsh('zhcp1', parallel))).toContain('@a 0 0');
  });

  it('splits long output at line ends (case 70).', async () => {
    const [element] = await it_.dsh(
      'zhcp1',
      "/opt/zhcp/bin/smcli Virtual_Network_Vswitch_Query_Extended -T ZHCP1 -k 'switch_name=*'",
    );
    const data = element?.data;
    expect(Array.isArray(data) && data.length).toBeGreaterThan(1);
  });

  it('refuses unknown options and keys, and VLANs where they mean nothing (case 46).', async () => {
    expect(await it_.dsh('zhcp1', '/opt/zhcp/bin/smcli Image_Query_DM -T LNX10001 -x 1')).toEqual([
      { error: ["zhcp1: /opt/zhcp/bin/smcli: invalid option -- 'x'"], errorcode: ['0'], NoErrorPrefix: ['1'] },
      { errorcode: ['1'] },
    ]);
    expect(await it_.smcli('Image_Query_DM')).toBe('ERROR: Missing required options');
    const set = (...keys: string[]) =>
      it_.smcli('Virtual_Network_Vswitch_Set_Extended', '-T', 'ZHCP1', ...keys.flatMap((key) => ['-k', key]));
    expect(await set('switch_name=VSW1', 'colour=red')).toContain('Return Code: 24');
    expect(await set('switch_name=VSWFLAT', 'grant_userid=OS1', 'user_vlan_id=5')).toContain('Reason Code: 2846');
    expect(await set('switch_name=NONE', 'grant_userid=OS1')).toContain('Reason Code: 40');
  });
});
