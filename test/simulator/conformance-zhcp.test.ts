import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Userid } from '../../domain/text/identifiers.ts';
import { isUserid } from '../../simulator/directory/nicdef.ts';
import { harness } from './harness.ts';

// Observed behaviour of the compiled smcli, xCAT's own CGI and DirMaint (docs/reference/smcli.md 1.2, 4.5; docs/reference/xcat.md 2.6, 5).
let sim: Awaited<ReturnType<typeof harness>>;
beforeAll(async () => {
  sim = await harness({ hosts: 2, guests: 4 });
});
afterAll(() => sim.close());

const ON = 'LNX10001';
const OFF = 'LNX10002';
const zhcp = (command: string) => sim.dsh('zhcp1', `/opt/zhcp/bin/smcli ${command}`);
const printed = async (command: string) => {
  const elements = await zhcp(command);
  return elements
    .flatMap((element) => (Array.isArray(element.data) ? element.data : []))
    .filter((chunk): chunk is string => typeof chunk === 'string')
    .join('\n')
    .replaceAll(/^zhcp1: ?/gm, '');
};
const directory = (userid: string, statements: string[], profile?: string) =>
  sim.control('POST', `/systems/zhcp1/guests/${userid}/directory`, { statements, profile });

describe('smcli', () => {
  it.each([
    ['an option that it does not know', 'Image_Query_DM -T LNX10001 -x', "invalid option -- 'x'"],
    ['an option without its value', 'Virtual_Network_Adapter_Query -v 1000 -T', "option requires an argument -- 'T'"],
  ])('says %s on stderr, as getopt does', async (_case, command, text) => {
    expect(await zhcp(command)).toEqual([
      { error: [`zhcp1: /opt/zhcp/bin/smcli: ${text}`], errorcode: ['0'], NoErrorPrefix: ['1'] },
      { errorcode: ['1'] },
    ]);
  });

  it.each([
    ['Image_Query_DM', false],
    ['Virtual_Network_Adapter_Query -T LNX10001', false],
    ['Virtual_Network_Vswitch_Query_Extended -T ZHCP1', true],
    ['Virtual_Network_Vswitch_Set_Extended -T ZHCP1', true],
    ['Image_Definition_Update_DM -T LNX10001', true],
  ])('begins with a blank line where %s lacks an option: %s', async (command, blank) => {
    expect(await printed(command)).toBe(`${blank ? '\n' : ''}ERROR: Missing required options`);
  });

  it('takes no more -k than the function has room for', async () => {
    const keys = Array.from({ length: 17 }, (_, index) => `-k key${index}=1`).join(' ');
    expect(await printed(`Virtual_Network_Vswitch_Create_Extended -T ZHCP1 ${keys}`)).toBe(
      'ERROR: Too many -k values entered',
    );
  });

  it('answers 400/4 for the entry of an unknown userid, before it asks what the caller may do', async () => {
    for (const command of ['Image_Query_DM -T NOSUCH', 'Profile_Query_DM -T NOSUCH'])
      expect(await printed(command)).toBe(
        'Failed\n  Return Code: 400\n  Reason Code: 4\n  Description: Image or profile definition not found',
      );
    expect(await printed('Virtual_Network_Vswitch_Query -T NOSUCH -s VSW1')).toContain('Return Code: 100');
  });

  it('answers 212/32 when a NICDEF without a LAN is to be disconnected', async () => {
    await directory(OFF, ['NICDEF 1000 TYPE QDIO MACID 112233']);
    expect(await printed(`Virtual_Network_Adapter_Disconnect_DM -T ${OFF} -v 1000`)).toMatch(
      /Return Code: 212\n {2}Reason Code: 32/,
    );
    expect(await printed(`Virtual_Network_Adapter_Disconnect_DM -T ${OFF} -v 2000`)).toContain('Return Code: 404');
  });

  it('gives a VSWITCH the controller that Create_Extended names, and prints a port name that is none as (null)', async () => {
    await zhcp(
      'Virtual_Network_Vswitch_Create_Extended -T ZHCP1 -k switch_name=OWNCTL -k real_device_address=6300 -k controller_name=DTCVSW7',
    );
    const text = await printed('Virtual_Network_Vswitch_Query -T ZHCP1 -s OWNCTL');
    expect(text).toContain('Controller name: DTCVSW7');
    expect(text).toContain('Port name: (null)');
  });

  it('takes the userids that this project takes, and no others', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary-ascii', minLength: 0, maxLength: 9 }), (text) => {
        expect(isUserid(text)).toBe(text === text.trim() && Userid.safeParse(text).success);
      }),
    );
    for (const character of 'AZaz09@#$_+:-.!%&*,/ ')
      expect(isUserid(`A${character}`), character).toBe(character !== ' ' && Userid.safeParse(`A${character}`).success);
  });
});

describe('an aware VSWITCH whose default VLAN is NONE', () => {
  it('gives a NIC without a VLAN of its own none at all', async () => {
    await zhcp('Virtual_Network_Vswitch_Create_Extended -T ZHCP1 -k switch_name=NODEF -k vlan_id=AWARE');
    await zhcp(`Virtual_Network_Vswitch_Set_Extended -T ZHCP1 -k switch_name=NODEF -k grant_userid=${ON}`);
    await zhcp(`Virtual_Network_Adapter_Create -T ${ON} -v 2000 -t 2 -d 3`);
    expect(await printed(`Virtual_Network_Adapter_Connect_Vswitch -T ${ON} -v 2000 -n NODEF`)).toContain('Done');
    const nic = sim.simulator.mn.systems[0]?.guest(ON)?.nics.find((each) => each.vdev === '2000');
    expect(nic).toMatchObject({ vswitch: 'NODEF', vlans: [] });
    const text = await printed('Virtual_Network_Vswitch_Query_Extended -T ZHCP1 -k switch_name=NODEF');
    expect(text).toContain('vlan_awareness: AWARE\n vlan_id: 32768\n');
  });
});

describe('the user directory', () => {
  const query = async (userid: string) => (await printed(`Image_Query_DM -T ${userid}`)).split('\n');

  it('is kept in records of 72 columns, padded, and a longer statement goes on after a comma', async () => {
    const long = 'NICDEF 1000 TYPE QDIO LAN SYSTEM VSWITCH8 DEVICES 3 CHPID 0A MACID 112233 PORTNUMBER 2048';
    await directory(OFF, [long]);
    const records = await query(OFF);
    expect(records.every((record) => record.length === 72)).toBe(true);
    const at = records.findIndex((record) => record.startsWith('NICDEF'));
    expect(records[at]?.trimEnd().endsWith(',')).toBe(true);
    const [first = '', second = ''] = records.slice(at, at + 2).map((record) => record.trim());
    expect(`${first.slice(0, -1)} ${second}`).toBe(long);
  });

  it('may have several statements for one NIC', async () => {
    const statements = ['NICDEF 1000 TYPE QDIO', 'NICDEF 1000 LAN SYSTEM VSW1', 'NICDEF 1000 MACID 0A0B0C'];
    await directory(OFF, statements);
    const shown = (await query(OFF)).map((record) => record.trimEnd()).filter((record) => record.startsWith('NICDEF'));
    expect(shown).toEqual(statements);
    expect(await printed(`Virtual_Network_Adapter_Delete_DM -T ${OFF} -v 1000`)).toContain('Done');
    expect((await query(OFF)).join('\n')).not.toContain('NICDEF');
  });

  it('gives no NIC a device number of an MDISK, a DEDICATE, a LINK, a SPECIAL, a console or a reader, be it in the profile', async () => {
    await sim.control('POST', '/systems/zhcp1/profiles/LINDFLT', {
      statements: [
        'CONSOLE 0009 3215 T',
        'SPOOL 000C 2540 READER *',
        'NICDEF 0700 TYPE QDIO DEVICES 8 LAN SYSTEM VSW1',
      ],
    });
    const statements = [
      'MDISK 0100 3390 1 10 VOL001 MR',
      'DEDICATE 0B00 1234',
      'LINK MAINT 0190 0191 RR',
      'SPECIAL 0C00 CTCA',
    ];
    await directory(OFF, statements, 'LINDFLT');
    const define = (vdev: string) => printed(`Virtual_Network_Adapter_Create_DM -T ${OFF} -v ${vdev} -a 2 -n 3`);
    for (const vdev of ['0100', '00FF', '00FE', '0B00', '0AFE', '0191', '018F', '0BFE', '0009', '000A', '0707', '06FE'])
      expect(await define(vdev), vdev).toMatch(/Return Code: 404\n {2}Reason Code: 4/);
    expect(await define('0708')).toContain('Done');
    expect(await printed('Profile_Query_DM -T LINDFLT')).toMatch(/^\nPROFILE LINDFLT +\nCONSOLE 0009 3215 T +\n/);
  });
});

describe('a running guest', () => {
  it('has the devices of entry and profile, and what was attached since: no NIC goes there', async () => {
    const [userid, logon] = ['LNX10004', () => sim.control('POST', '/systems/zhcp1/guests/LNX10004/logon')];
    await directory(
      userid,
      ['MDISK 0100 3390 1 10 VOL001 MR', 'NICDEF 00FE TYPE QDIO', 'NICDEF 0600 TYPE QDIO'],
      'OSDFLT',
    );
    await logon();
    await sim.control('POST', `/systems/zhcp1/guests/${userid}/devices`, { vdev: '1001', kind: '' });
    const guest = sim.simulator.mn.systems[0]?.guest(userid);
    expect(guest?.nics.map((nic) => nic.vdev)).toEqual(['0600']);
    const define = (vdev: string) => printed(`Virtual_Network_Adapter_Create -T ${userid} -v ${vdev} -t 2 -d 3`);
    for (const vdev of ['0100', '00FE', '0009', '1000', '0FFF', '0602'])
      expect(await define(vdev), vdev).toMatch(/Return Code: 204\n {2}Reason Code: 4/);
    expect(await define('1002')).toContain('Done');
    expect(await printed(`Image_Active_Configuration_Query -T ${userid}`)).toMatch(
      /\nDevices\n {2}Address: 0100 \(DASD\)\n {2}Address: 0009 \(CONS\)\n {2}Address: 000C \(RDR\)/,
    );
  });
});

describe('the management node', () => {
  it('takes no argument of 128 KiB, be it a whole script or a part of one', async () => {
    const long = 'x'.repeat(131_072);
    expect(await sim.dsh('zhcp1', `echo ${long}`)).toEqual([
      { error: ['zhcp1: bash: /usr/bin/ssh: Argument list too long'], errorcode: ['0'], NoErrorPrefix: ['1'] },
      { errorcode: ['1'] },
    ]);
    const doubled = `half=${'y'.repeat(70_000)}`;
    const answer = JSON.stringify(
      await sim.dsh('zhcp1', `${doubled}; /opt/zhcp/bin/smcli F "$half$half" 2>&1; echo $?`),
    );
    expect(answer).toContain('Argument list too long\\nzhcp1: 126');
  });

  it('is up since the re-IPL of the system that carries it, and not since that of another', async () => {
    const command = `date -d "$(awk -F. '{print $1}' /proc/uptime) second ago" +"%Y-%m-%d %H:%M:%S"`;
    const start = async () => JSON.stringify((await sim.dsh('xcat', command))[0]);
    const before = await start();
    await sim.control('POST', '/systems/zhcp2/ipl');
    expect(await start()).toBe(before);
    await sim.control('POST', '/systems/zhcp1/ipl');
    expect(await start()).not.toBe(before);
  });
});

describe('the CGI', () => {
  const dsh = '/nodes/xcat/dsh';
  it.each([
    ['PUT', '/tables/switch', undefined, 500, /Internal Server Error/, 'text/html; charset=iso-8859-1'],
    ['PUT', '/tables/switch', '{bad', 500, /Internal Server Error/, 'text/html; charset=iso-8859-1'],
    ['PUT', '/tables/switch', '{"a":1}', 500, /Internal Server Error/, 'text/html; charset=iso-8859-1'],
    ['PUT', '/tables/switch', '[]', 400, /^No set attribute was supplied\.$/, 'application/json; charset=ISO-8859-1'],
    ['PUT', dsh, undefined, 400, /^No set attribute was supplied\.$/, 'application/json; charset=ISO-8859-1'],
    ['PUT', dsh, '[]', 200, /No command argument provided/, 'application/json; charset=ISO-8859-1'],
    [
      'PUT',
      '/vms/xcat',
      undefined,
      400,
      /^No Field and Value map was supplied\.$/,
      'application/json; charset=ISO-8859-1',
    ],
    [
      'GET',
      '/vms',
      undefined,
      400,
      /^Invalid nodes and\/or groups in noderange$/,
      'application/json; charset=ISO-8859-1',
    ],
  ])('answers %s %s with the body %s by %i', async (method, path, body, status, text, type) => {
    const answer = await sim.call(method, path, body);
    expect(answer).toMatchObject({ status, type, text: expect.stringMatching(text) });
  });

  it('breaks at control characters, which XML does not have, and has one kind of line end', async () => {
    for (const character of ['\u0001', '\u0000', '\u001b', '\u000b'])
      expect(await sim.call('PUT', dsh, [`command=echo a${character}b`])).toMatchObject({
        status: 503,
        text: expect.stringContaining('ended prematurely'),
      });
    expect(await sim.dsh('xcat', 'echo a\r\necho b\recho c')).toEqual([
      { data: ['xcat: a\nxcat: b\nxcat: c'] },
      { errorcode: ['0'] },
    ]);
    expect((await sim.dsh('xcat', 'echo "a\tb"'))[0]).toEqual({ data: ['xcat: a\tb'] });
  });
});
