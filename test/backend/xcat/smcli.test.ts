import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BackendError } from '../../../backend/backend-error.ts';
import { isAtLeast } from '../../../backend/xcat/rest/client.ts';
import { defineNicsInDirectory, grant } from '../../../backend/xcat/zhcp/smcli.ts';
import {
  parseDirectory,
  parseIplTime,
  parseLiveNics,
  parseVmlan,
  parseVswitches,
} from '../../../backend/xcat/zhcp/smcli-parsers.ts';
import { judge } from '../../../backend/zvm/return-codes.ts';
import type { Finding } from '../../../domain/drift/finding.ts';
import { Vdev } from '../../../domain/port/vdev.ts';
import { Userid, VswitchName } from '../../../domain/text/identifiers.ts';

const failed = (rc: number, rs: number) =>
  `X... Failed\n  Return Code: ${rc}\n  Reason Code: ${rs}\n  Description: text\n`;
const COUPLE = 'Virtual_Network_Adapter_Connect_Vswitch';

describe('smcli arguments', () => {
  it('grant with VLANs, several as ranges, and refuse what z/VM cannot take', () => {
    const [zhcp, vswitch, guest] = [Userid.parse('zhcp1'), VswitchName.parse('vsw1'), Userid.parse('lnx1')];
    const { argv } = grant(zhcp, vswitch, guest, [200]);
    expect(argv.slice(1).join(' ')).toBe(
      'Virtual_Network_Vswitch_Set_Extended -T ZHCP1 -k switch_name=VSW1 -k grant_userid=LNX1 -k user_vlan_id=200',
    );
    expect(grant(zhcp, vswitch, guest, [1, 2, 3, 4, 5]).argv.slice(-4)).toEqual([
      '-k',
      'user_vlan_id=1-5',
      '-k',
      'port_type=TRUNK',
    ]);
    expect(() => grant(zhcp, vswitch, guest, [1, 3, 5, 7, 9])).toThrow(BackendError);
    const nics = [{ vdev: Vdev.parse('1000'), macId: 'a1b2c3', vswitch }, { vdev: Vdev.parse('1003') }];
    expect(defineNicsInDirectory(guest, nics).argv.slice(-4)).toEqual([
      '-k',
      'NICDEF=VDEV=1000 TYPE=QDIO MACID=A1B2C3 LAN=SYSTEM SWITCHNAME=VSW1',
      '-k',
      'NICDEF=VDEV=1003 TYPE=QDIO',
    ]);
  });
});

describe('the verdict on a command', () => {
  it('is success for rc 0 and 592 whatever the reason code, which says that 592 comes later', () => {
    for (const output of ['Done\n', failed(0, 40)]) {
      expect(judge(COUPLE, output === 'Done\n' ? 0 : 1, output)).toEqual({ ok: true, already: false });
    }
    expect(judge(COUPLE, 1, failed(592, 17))).toEqual({ ok: true, already: false, asynchronous: true });
  });

  it('depends on the function where one code means two things', () => {
    expect(judge(COUPLE, 1, failed(204, 20))).toEqual({ ok: true, already: true });
    expect(judge('Virtual_Network_Adapter_Disconnect', 1, failed(204, 48))).toEqual({ ok: true, already: true });
    expect(judge('Virtual_Network_Adapter_Delete', 1, failed(204, 8))).toEqual({ ok: true, already: true });
    expect(judge(COUPLE, 1, failed(204, 8))).toMatchObject({ ok: false, retryable: false });
    expect(judge(COUPLE, 1, failed(200, 12))).toEqual({ ok: true, already: true });
    expect(judge('Virtual_Network_Adapter_Query', 1, failed(200, 12))).toMatchObject({ ok: false, rc: 200, rs: 12 });
    expect(judge(COUPLE, 1, failed(212, 8))).toMatchObject({ ok: false, retryable: true });
    expect(judge('Virtual_Network_Adapter_Delete_DM', 1, failed(404, 8))).toEqual({ ok: true, already: true });
  });

  it('is retryable for locks, DirMaint limits and socket errors, and permanent for what it does not know', () => {
    const lost = 'Failed\n  Return Code: -101\n  Description: Socket connect refused error\n\n';
    for (const output of [failed(400, 12), failed(596, 6312), failed(900, 99), lost]) {
      expect(judge(COUPLE, 1, output)).toMatchObject({ ok: false, retryable: true });
    }
    expect(judge(COUPLE, 1, failed(777, 1))).toMatchObject({ ok: false, retryable: false, rc: 777, rs: 1 });
    const unsupported = judge(COUPLE, 1, 'ERROR: Unsupported API function name\n');
    expect(unsupported).toMatchObject({
      ok: false,
      retryable: false,
      sentence: expect.stringContaining('Unsupported'),
    });
  });

  it('asks for another reading when z/VM only was in another state than the plan saw', () => {
    for (const [rc, rs] of [
      [200, 12],
      [204, 4],
      [204, 20],
      [404, 4],
      [404, 8],
      [212, 32],
      [204, 48],
    ] as const)
      expect(judge('Virtual_Network_Vswitch_Set_Extended', 1, failed(rc, rs))).toMatchObject({
        ok: false,
        retryable: true,
      });
  });

  it('never shows a directory entry', () => {
    const verdict = judge('Image_Query_DM', 3, 'USER LNX1 SECRET 1G\n');
    expect(JSON.stringify(verdict)).not.toContain('SECRET');
  });
});

// A real sample (docs/reference/smcli.md 4.2), the blocks one after another.
const SWITCH = `switch_name: UNITTEST
 transport_type: IP
 port_type: ACCESS
 queue_memory_limit: 8
 routing_value: NONROUTER
 vlan_awareness: AWARE
 vlan_id: 0011
 native_vlan_id: 0001
 mac_address: 02-00-02-00-02-23
 gvrp_request_attribute: NOGVRP
 gvrp_enabled_attribute: NOGVRP
 switch_status: 1
 link_ag: LAG:
 lag_interval: 0
 lag_group: (NOGRP)
 IP_timeout: 5
 switch_type: QDIO
 isolation_status: NOISOLATION
 MAC_protect: NOMACPROTECT
 user_port_based: USERBASED
 VLAN_counters: E)
 vepa_status: (NONE)
real_device_address: 1111
virtual_device_address: 0000
controller_name: (NONE)
port_name: (NONE)
device_status: 0
device_error_status 3
Error controller_name is NULL!!
port_num: 0000
grant_userid: TEST1
promiscuous_mode: NOPROM
osd_sim: NOOSDSIM
vlan_count: 2
user_vlan_id: 0001
user_vlan_id: 0002
adapter_owner: USERID1
adapter_vdev: 0800
adapter_macaddr: 02-00-02-00-00-D3
adapter_type: QDIO
`;

describe('the parsers', () => {
  it('read several VSWITCHes', () => {
    const second = SWITCH.replace('UNITTEST', 'VSW2').replace('AWARE', 'UNAWARE');
    const [one, two] = parseVswitches(` ${SWITCH} ${second}`);
    expect(one).toEqual({
      name: 'UNITTEST',
      transport: 'IP',
      vlanAware: true,
      defaultVlan: 11,
      nativeVlan: 1,
      portSelection: 'USERBASED',
      portType: 'ACCESS',
      uplinks: [{ rdev: '1111', state: 'inactive', error: 'Real device does not exist', virtualDevice: '0000' }],
      uplinksHidden: true,
      status: 'Virtual switch defined',
      gvrp: false,
      isolated: false,
      macProtected: false,
      queueMemoryLimitMb: 8,
      router: 'NONROUTER',
      mac: '02:00:02:00:02:23',
      authorisations: [{ userid: 'TEST1', vlans: [1, 2] }],
      nics: [{ userid: 'USERID1', vdev: '0800', mac: '02:00:02:00:00:d3' }],
    });
    expect(two).toMatchObject({ name: 'VSW2', vlanAware: false });
    expect(two?.defaultVlan).toBeUndefined();
    expect(() => parseVswitches(' switch_name: A\n transport_type: IP\n')).toThrow(BackendError);
  });

  it('read the port number of each authorisation of a port-based VSWITCH, and uplinks in their states', () => {
    const grants =
      'port_num: 0007\ngrant_userid: LNX1\nuser_vlan_id: 0100\nport_num: 0008\ngrant_userid: LNX1\nuser_vlan_id: 0200\n';
    const rdev = (device: string, state: number) =>
      `real_device_address: ${device}\ndevice_status: ${state}\ndevice_error_status 0\n`;
    const text = SWITCH.replace('USERBASED', 'PORTBASED').replace(
      /real_device[\s\S]*/,
      rdev('00A3', 1) + rdev('00A6', 2) + grants,
    );
    const [vswitch] = parseVswitches(text);
    expect(vswitch?.authorisations).toEqual([
      { userid: 'LNX1', portNumber: 7, vlans: [100] },
      { userid: 'LNX1', portNumber: 8, vlans: [200] },
    ]);
    expect(vswitch?.uplinks).toMatchObject([
      { rdev: '00A3', state: 'active' },
      { rdev: '00A6', state: 'backup' },
    ]);
  });

  it('read NICs of a directory entry and nothing else', () => {
    const entry = [
      'USER LNX1 SECRET 1G 2G',
      'NICDEF 1000 TYPE QDIO LAN SYSTEM VSW1,',
      '  MACID 11aa33',
      'nicdef 1003 type qdio',
      'NICDEF 1003 MACID 000007 PORTNUMBER 17',
      'NICDEF 1003 LAN OWNER GLAN1',
      '*DVHOPT LNK0',
    ].join('\n');
    expect(parseDirectory(entry)).toEqual([
      { vdev: '1000', vswitch: 'VSW1', macId: '11AA33' },
      { vdev: '1003', macId: '000007', portNumber: 17 },
    ]);
    const findings: Finding[] = [];
    const odd = 'USER LNX1 SECRET\nNICDEF SECRET\nNICDEF 1000 LAN SYSTEM SECRET123 MACID SECRET\nNICDEF 1003 MACID 1';
    expect(parseDirectory(odd, (finding) => findings.push(finding))).toEqual([
      { vdev: '1000', unclear: expect.stringContaining('MACID') },
      { vdev: '1003', macId: '000001' },
    ]);
    expect(findings).toHaveLength(2);
    expect(JSON.stringify(findings)).not.toContain('SECRET');
  });

  it('read live NICs by their LAN name, the MAC prefix and the IPL time', () => {
    const adapter = (vdev: string, lan: string) =>
      `Adapter:\n  Address: ${vdev}\n  Device count: 3\n  Adapter status: Coupled and active\n  LAN owner: \n  LAN name: ${lan}\n`;
    expect(parseLiveNics(adapter('1000', '') + adapter('1003', 'VSW1'))).toEqual([
      { vdev: '1000' },
      { vdev: '1003', vswitch: 'VSW1' },
    ]);
    expect(parseLiveNics('')).toEqual([]);
    expect(parseVmlan('VMLAN maintenance level:\n  MACADDR Prefix: 020000 USER Prefix: 0200ee\n')).toBe('02:00:ee');
    expect(parseIplTime('The z/VM CP IPL time: 2014-06-11 01:38:37 EDT\n')).toBe('2014-06-11 01:38:37 EDT');
  });

  it('give a value or a BackendError for any text whatever', () => {
    const words = fc.constantFrom(
      ...SWITCH.split('\n'),
      'USER A B',
      'NICDEF 1000,',
      'NICDEF',
      'Address: FFFF',
      'LAN name: X',
      'USER Prefix: 02',
    );
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.array(fc.oneof(words, fc.string())).map((lines) => lines.join('\n')),
    );
    fc.assert(
      fc.property(text, (output) => {
        for (const parse of [parseVswitches, parseDirectory, parseLiveNics, parseVmlan, parseIplTime]) {
          try {
            parse(output);
          } catch (error) {
            if (!(error instanceof BackendError)) throw error;
          }
        }
        judge(COUPLE, 1, output);
      }),
      { numRuns: 500 },
    );
  });
});

it('versions compare number by number', () => {
  expect([isAtLeast('2.8.3.16', '2.8.3.16'), isAtLeast('2.10', '2.8.3.16'), isAtLeast('2.8.3', '2.8.3.16')]).toEqual([
    true,
    true,
    false,
  ]);
});
