import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { harness } from './harness.ts';

// The historic agent's own command lines (docs/reference/xcat.md 6.1); the guest is LNX10001, logged on, LNX10002 logged off.
const SMCLI = '/opt/zhcp/bin/smcli';
let sim: Awaited<ReturnType<typeof harness>>;
beforeAll(async () => {
  sim = await harness({ hosts: 1, guests: 2 });
});
afterAll(() => sim.close());

const OK = { errorcode: ['0'] };
const FAILED = { errorcode: ['1'] };
const chunksOf = (element: Record<string, unknown> | undefined): string[] => {
  const data = element?.data;
  return Array.isArray(data) ? data.filter((chunk): chunk is string => typeof chunk === 'string') : [];
};
const zhcp = (command: string) => sim.dsh('zhcp1', `${SMCLI} ${command}`);
const said = (...lines: string[]) => ({ data: [lines.map((line) => `zhcp1: ${line}`).join('\n')] });
const refusal = (status: string, rc: number, rs: number, text: string) => [
  said(`${status}Failed`, `  Return Code: ${rc}`, `  Reason Code: ${rs}`, `  Description: ${text}`),
  FAILED,
];
const CHANGED = 'Changing virtual switch configuration ... ';

describe('tables', () => {
  it('case 8: a row that is bound flat.', async () => {
    await sim.call('PUT', '/tables/switch', [
      'switch.node=os1 switch.port=p-1 switch.interface=1000 switch.comments=zhcp',
    ]);
    await sim.call('PUT', '/tables/switch', ['port=p-1 switch.switch=vsw1 switch.vlan=-1']);
    const [element] = (await sim.call('GET', '/tables/switch')).json().data;
    expect(element?.data).toEqual([
      '#node,switch,port,vlan,interface,comments,disable',
      '"os1","vsw1","p-1","-1","1000","zhcp",',
    ]);
  });

  it('case 10: the zvm table with its header and rows.', async () => {
    const [element] = (await sim.call('GET', '/tables/zvm')).json().data;
    const [header, ...rows] = chunksOf(element);
    expect(header).toBe('#node,hcp,userid,nodetype,parent,comments,disable');
    expect(rows).toContain('"lnx10001","zhcp1.zvm.example","LNX10001",,,,');
  });

  it('case 13: the node of a port.', async () => {
    const query = '&col=port&value=p-1&attribute=node';
    expect((await sim.call('GET', '/tables/switch', undefined, query)).json().data).toEqual([{ data: ['os1'] }]);
  });
});

describe('an xcatd that is down', () => {
  it.each([
    [28, 'Connection failurexx: IO::Socket::INET: connect: Connection refused'],
    [29, 'ERROR/WARNING: communication with the xCAT server seems to have been ended prematurely'],
  ])('case %i: 503 with its text, which is no JSON.', async (_number, text) => {
    await sim.control('POST', '/faults', { match: {}, action: { kind: 'status', status: 503, text }, times: 1 });
    expect(await sim.call('GET', '/tables/switch')).toMatchObject({ status: 503, text });
  });
});

describe('the management network', () => {
  const queried = async () => sim.dsh('xcat', 'vmcp q v nic 800');
  const address = () => sim.dsh('xcat', "ifconfig enccw0.0.0800|grep 'inet '");

  it('cases 33, 35, 36: a NIC that is defined and not coupled, without and with an address.', async () => {
    await sim.dsh('xcat', 'vmcp define nic 0800 type qdio');
    const [element, end] = await queried();
    const [text] = chunksOf(element);
    expect(text).toMatch(
      /^xcat: Adapter 0800\.P00 Type: QDIO {6}Name: UNASSIGNED {2}Devices: 3\nxcat: {3}MAC: [0-9A-F-]{17} {9}LAN: \* None$/,
    );
    expect(end).toEqual(OK);
    expect(await address()).toEqual([FAILED]);
    const configure =
      '/usr/bin/perl /usr/sbin/sspqeth2.pl -a 10.1.0.1 -d 0800 0801 0802 -e enccw0.0.0800 -m 255.255.0.0 -g 10.1.0.1';
    await sim.dsh('xcat', configure);
    const inet = 'xcat:         inet 10.1.0.1  netmask 255.255.0.0  broadcast 10.1.255.255';
    expect(await address()).toEqual([{ data: [inet] }, OK]);
  });

  it('cases 34, 37: defined, coupled and addressed in one script; gone after a restart of the management node.', async () => {
    await sim.control('POST', '/restart');
    await zhcp('Virtual_Network_Vswitch_Set_Extended -T ZHCP1 -k switch_name=VSWFLAT -k grant_userid=XCAT');
    const script = [
      'vmcp define nic 0800 type qdio',
      'vmcp couple 0800 system VSWFLAT',
      '/usr/bin/perl /usr/sbin/sspqeth2.pl -a 10.1.0.1 -d 0800 0801 0802 -e enccw0.0.0800 -m 255.255.0.0 -g 10.1.0.1',
    ].join('\n');
    const [element, end] = await sim.dsh('xcat', script);
    expect(chunksOf(element)[0]).toBe(
      'xcat: NIC 0800 is created; devices 0800-0802 defined\nxcat: NIC 0800 is connected to VSWITCH SYSTEM VSWFLAT',
    );
    expect(end).toEqual(OK);
    expect(JSON.stringify(await queried())).toContain('VSWITCH: SYSTEM VSWFLAT');
    await sim.control('POST', '/restart');
    expect(JSON.stringify(await queried())).toContain('HCPNDQ040E Device 0800 does not exist');
    expect((await address()).at(-1)).toEqual(FAILED);
  });
});

describe('VSWITCHes', () => {
  const create =
    'Virtual_Network_Vswitch_Create -T ZHCP1 -n vsw9 -r 6263 -c 1 -q 8 -e 0 -t 2 -v 0 -p 0 -u 1 -G 0 -V -1';

  it('cases 40, 38: created, then found, every line with the node’s prefix.', async () => {
    expect(await zhcp(create)).toEqual([said('Creating virtual switch vsw9... Done'), OK]);
    const [element, end] = await zhcp('Virtual_Network_Vswitch_Query -T ZHCP1 -s vsw9');
    const text = chunksOf(element).join('\n');
    expect(text.split('\n').every((line) => line.startsWith('zhcp1: '))).toBe(true);
    expect(text).toContain('zhcp1:     Real device: 6263');
    expect(text).toContain('zhcp1:   Transport type: Ethernet');
    expect(text).toContain('zhcp1:   VLAN ID: 0');
    expect(end).toEqual(OK);
  });

  it('case 41: a second time it exists.', async () => {
    const status = 'Creating virtual switch vsw9... ';
    expect(await zhcp(create)).toEqual(refusal(status, 212, 36, 'Virtual switch already exists'));
  });

  it('case 42: another uplink.', async () => {
    const set = 'Virtual_Network_Vswitch_Set_Extended -T ZHCP1 -k switch_name=vsw9 -k real_device_address=6266';
    expect(await zhcp(set)).toEqual([said(`${CHANGED}Done`), OK]);
    expect(JSON.stringify(await zhcp('Virtual_Network_Vswitch_Query -T ZHCP1 -s vsw9'))).toContain('Real device: 6266');
  });

  it('cases 43, 45, 47, 48: grant, VLAN, a VSWITCH that is missing, revoke.', async () => {
    const set = (more: string) => zhcp(`Virtual_Network_Vswitch_Set_Extended -T LNX10001 -k switch_name=${more}`);
    const done = [said(`${CHANGED}Done`), OK];
    expect(await set('vsw1 -k grant_userid=LNX10001')).toEqual(done);
    expect(await set('vsw1 -k grant_userid=LNX10001 -k user_vlan_id=200')).toEqual(done);
    expect(await set('nosuch -k grant_userid=LNX10001')).toEqual(
      refusal(CHANGED, 212, 40, 'Virtual switch does not exist'),
    );
    expect(await set('vsw1 -k revoke_userid=LNX10001')).toEqual(done);
  });
});

describe('adapters', () => {
  const connecting = (vdev: string, vswitch: string) =>
    `Connecting virtual network adapter at ${vdev} to ${vswitch}... `;

  it('case 50: a guest that is logged off has no active adapter to connect.', async () => {
    expect(await zhcp('Virtual_Network_Adapter_Connect_Vswitch -T LNX10002 -v 1000 -n vsw1')).toEqual(
      refusal(connecting('1000', 'vsw1'), 200, 12, 'Image not active'),
    );
  });

  it('cases 52, 51, 53: not authorised, then connected, then connected already.', async () => {
    await zhcp('Virtual_Network_Adapter_Create -T LNX10001 -v 1000 -t 2 -d 3');
    const connect = () => zhcp('Virtual_Network_Adapter_Connect_Vswitch -T LNX10001 -v 1000 -n vsw1');
    const status = connecting('1000', 'vsw1');
    expect(await connect()).toEqual(refusal(status, 212, 8, 'Image not authorized to connect'));
    await zhcp('Virtual_Network_Vswitch_Set_Extended -T LNX10001 -k switch_name=vsw1 -k grant_userid=LNX10001');
    expect(await connect()).toEqual([said(`${status}Done`), OK]);
    expect(await connect()).toEqual(refusal(status, 204, 20, 'Image device already connected'));
  });

  it('case 55: an adapter that is not coupled cannot be disconnected.', async () => {
    await zhcp('Virtual_Network_Adapter_Disconnect -T LNX10001 -v 1000');
    const again = JSON.stringify(await zhcp('Virtual_Network_Adapter_Disconnect -T LNX10001 -v 1000'));
    expect(again).toMatch(/Return Code: (212|204)\\nzhcp1: {3}Reason Code: (32|48)/);
  });

  it('cases 49, 54, 56: the directory’s connection is made and removed, and brought online.', async () => {
    await zhcp('Virtual_Network_Adapter_Create_DM -T LNX10001 -v 1000 -a 2 -n 3');
    expect(await zhcp('Virtual_Network_Adapter_Connect_Vswitch_DM -T LNX10001 -v 1000 -n vsw1')).toEqual([
      said("Defining virtual switch connection in LNX10001's directory entry... Done"),
      OK,
    ]);
    expect(await zhcp('Virtual_Network_Adapter_Disconnect_DM -T LNX10001 -v 1000')).toEqual([
      said("Removing virtual network LAN or virtual switch connection from LNX10001's directory entry... Done"),
      OK,
    ]);
    expect(await zhcp('Static_Image_Changes_Immediate_DM -T ZHCP1')).toEqual([
      said("Making changes to ZHCP1's directory immediately available... Done"),
      OK,
    ]);
  });
});

describe('chvm', () => {
  const nicdef = `Image_Definition_Update_DM -T %userid% -k 'NICDEF=VDEV=1000 TYPE=QDIO MACID=112233 LAN=SYSTEM SWITCHNAME=vsw1'`;

  it('case 58: fails without a word while the directory is locked.', async () => {
    await sim.control('POST', '/systems/zhcp1/guests/LNX10002/lock');
    expect((await sim.call('PUT', '/vms/lnx10002', ['--smcli', nicdef])).json()).toEqual({ data: [] });
    const found = (await sim.call('GET', '/vms/lnx10002', undefined, '&checknics=1000')).json().data;
    expect(found).toEqual([{ error: ['lnx10002: (Error) not able to find 1000 in user direct'], errorcode: ['1'] }]);
    await sim.control('POST', '/systems/zhcp1/guests/LNX10002/unlock');
  });

  it('prints what smcli said where the appliance does so.', async () => {
    const verbose = await harness({ hosts: 1, guests: 2, chvm: 'verbose' });
    const answer = await verbose.call('PUT', '/vms/lnx10002', ['--smcli', nicdef]);
    await verbose.close();
    expect(answer.text).toContain('Done');
  });

  it('cases 59, 69: says when the zHCP cannot be reached.', async () => {
    await sim.control('POST', '/systems/zhcp1/unreachable');
    expect((await sim.call('PUT', '/vms/lnx10002', ['--smcli', nicdef])).json().data).toEqual([
      { error: ['lnx10002: (Error) unable to communicate with the zhcp system: zhcp1.zvm.example'], errorcode: ['1'] },
    ]);
    const elements = await zhcp('System_Info_Query');
    expect(elements.some((element) => 'data' in element)).toBe(false);
    expect(elements.at(-1)).toEqual(FAILED);
    await sim.control('POST', '/systems/zhcp1/reachable');
  });
});

it('case 64: six lines of system information, with an IPL time that only a re-IPL changes.', async () => {
  const lines = async () => chunksOf((await zhcp('System_Info_Query'))[0])[0]?.split('\n') ?? [];
  const before = await lines();
  expect(before).toHaveLength(6);
  expect(before[4]).toMatch(/^zhcp1: The z\/VM CP IPL time: \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC$/);
  expect((await lines())[4]).toBe(before[4]);
  await sim.control('POST', '/systems/zhcp1/ipl');
  expect((await lines())[4]).not.toBe(before[4]);
});

it('case 73: every element may name the management node.', async () => {
  const newer = await harness({ hosts: 1, guests: 1, xcatdsource: true });
  const elements = (await newer.call('GET', '/version')).json().data;
  await newer.close();
  expect(elements.every((element) => JSON.stringify(element.xcatdsource) === '["xcat"]')).toBe(true);
});

it('case 44: granting again is refused where the option says so.', async () => {
  const strict = await harness({ hosts: 1, guests: 1, regrant: 'reject' });
  const again = () =>
    strict.smcli(
      'Virtual_Network_Vswitch_Set_Extended',
      '-T',
      'ZHCP1',
      '-k',
      'switch_name=VSW1',
      '-k',
      'grant_userid=LNX10001',
    );
  await again();
  expect(await again()).toMatch(/Return Code: 212\n {2}Reason Code: 44\n {2}Description: Image already authorized/);
  await strict.close();
});
