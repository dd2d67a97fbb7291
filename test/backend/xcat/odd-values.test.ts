import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { vswitchReading } from '../../../backend/xcat/reading/vswitch-reading.ts';
import { isWholeNicAnswer, parseLiveNics } from '../../../backend/xcat/zhcp/smcli-parsers.ts';
import { parseVswitches } from '../../../backend/xcat/zhcp/vswitch-parser.ts';
import type { Finding } from '../../../domain/drift/finding.ts';
import { VswitchName } from '../../../domain/text/identifiers.ts';
import type { Vswitch } from '../../../domain/vswitch/vswitch.ts';

/** A VSWITCH as Query_Extended prints it (docs/reference/smcli.md 4.2). */
function block(name: string): string[] {
  return [
    ` switch_name: ${name}`,
    ' transport_type: ETHERNET',
    ' port_type: ACCESS',
    ' queue_memory_limit: 8',
    ' routing_value: NONROUTER',
    ' vlan_awareness: AWARE',
    ' vlan_id: 0001',
    ' native_vlan_id: 0001',
    ' mac_address: 02-00-02-00-02-23',
    ' gvrp_request_attribute: NOGVRP',
    ' gvrp_enabled_attribute: NOGVRP',
    ' switch_status: 1',
    ' isolation_status: NOISOLATION',
    ' MAC_protect: NOMACPROTECT',
    ' user_port_based: USERBASED',
    ' VLAN_counters: E)',
    'real_device_address: 1111',
    'virtual_device_address: 0600',
    'controller_name: DTCVSW1',
    'port_name: (NONE)',
    'device_status: 1',
    'device_error_status 0',
    'port_num: 0000',
    'grant_userid: LNX1',
    'promiscuous_mode: NOPROM',
    'osd_sim: NOOSDSIM',
    'vlan_count: 1',
    'user_vlan_id: 0050',
    'adapter_owner: LNX1',
    'adapter_vdev: 1000',
    'adapter_macaddr: 02-00-02-00-00-D3',
    'adapter_type: QDIO',
  ];
}

function read(lines: readonly string[]): { vswitches: Vswitch[]; findings: Finding[] } {
  const findings: Finding[] = [];
  return { vswitches: parseVswitches(`${lines.join('\n')}\n`, (finding) => findings.push(finding)), findings };
}

const withValue = (key: string, value: string) =>
  block('VSW2').map((line) =>
    line.trim().startsWith(key) ? `${key}${key === 'device_error_status' ? '' : ':'} ${value}` : line,
  );
const odd = fc.constantFrom(
  '(null)',
  '(NONE)',
  '',
  'NONE',
  'ANY',
  '10-20',
  'what?',
  '99999',
  'A_NAME_THAT_IS_TOO_LONG',
  '*',
  '42',
);
const lines = fc.nat(block('').length - 1);

describe('of several VSWITCHes, one with an odd value', () => {
  test('leaves the others as they are, whatever the value', () => {
    const [first, , third] = ['VSW1', 'VSW2', 'VSW3'].map(block);
    const right = read([...(first ?? []), ...(third ?? [])]).vswitches;
    fc.assert(
      fc.property(lines, odd, (index, value) => {
        const key = (block('VSW2')[index] ?? '').trim().split(/:? /)[0] ?? '';
        const { vswitches } = read([...(first ?? []), ...withValue(key, value), ...(third ?? [])]);
        expect(vswitches.filter(({ name }) => name !== 'VSW2' && name.startsWith('VSW'))).toEqual(right);
      }),
    );
  });

  test.each([
    ['user_port_based', 'ANYBASED'],
    ['vlan_awareness', '(null)'],
    ['transport_type', 'TOKEN'],
    ['vlan_id', 'what?'],
    ['real_device_address', 'NOTHEX'],
  ])('leaves its ports as they are when its %s is %s, and names it', (key, value) => {
    const { vswitches, findings } = read([...block('VSW1'), ...withValue(key, value)]);
    expect(vswitches.find(({ name }) => name === 'VSW2')?.unclear).toContain(key);
    expect(findings).toMatchObject([{ of: 'VSWITCH VSW2', reason: expect.stringContaining(value) }]);
  });

  test('is left out when its name is none, and named', () => {
    const { vswitches, findings } = read([...withValue('switch_name', 'FAR_TOO_LONG'), ...block('VSW1')]);
    expect(vswitches.map(({ name }) => name)).toEqual(['VSW1']);
    expect(findings).toMatchObject([{ of: 'VSWITCH "FAR_TOO_LONG"' }]);
  });
});

describe('the VLANs of an authorisation', () => {
  const vlansFor = (value: string) => {
    const { vswitches, findings } = read(withValue('user_vlan_id', value));
    return { ...vswitches[0]?.authorisations[0], findings };
  };

  test.each([
    ['0042', [42]],
    ['42', [42]],
    ['1', [1]],
    ['NONE', []],
    ['32768', []],
    ['(null)', []],
    ['100-102', [100, 101, 102]],
    ['10-11 20', [10, 11, 20]],
  ])('%s are %j', (value, vlans) => {
    expect(vlansFor(value)).toMatchObject({ vlans, findings: [] });
    expect(vlansFor(value)).not.toHaveProperty('unclear');
  });

  test.each(['ANY', '4095', '5000', 'abc', '20-10', '0x10'])('%s is unclear, and told with the userid', (value) => {
    expect(vlansFor(value)).toMatchObject({
      unclear: expect.stringContaining(value),
      findings: [{ of: 'VSWITCH VSW2', reason: expect.stringContaining('LNX1') }],
    });
  });
});

describe('an answer that smcli ends with exit status 1', () => {
  const named = ['VSW1', 'VSW2'].map((name) => ({ vswitch: VswitchName.parse(name) }));
  const reading = (text: readonly string[], exitStatus = 1) =>
    vswitchReading({ ran: true, exitStatus, output: `${text.join('\n')}\n` }, named);
  const without = (key: string) => block('VSW1').filter((line) => !line.startsWith(key));

  test('is whole beside a device that has no controller', () => {
    const { vswitches, findings } = reading([
      ...without('real_device').filter((line) => !/device|controller|port_name/.test(line)),
      'Error controller_name is NULL!!',
      ...block('VSW2'),
    ]);
    expect(vswitches).toMatchObject([{ name: 'VSW1', uplinksHidden: true }, { name: 'VSW2' }]);
    expect(vswitches.map(({ unclear }) => unclear)).toEqual([undefined, undefined]);
    expect(findings.map(({ reason }) => reason).join()).toContain('exit status 1');
  });

  test('leaves ports as they are where authorisations are missing', () => {
    const cut = block('VSW1').filter((line) => !/user_vlan|adapter/.test(line));
    const { vswitches } = reading([...cut, 'Error user_vlan_id is NULL!!', ...block('VSW2')]);
    expect(vswitches).toMatchObject([
      { name: 'VSW1', unclear: expect.stringContaining('user_vlan_id') },
      { name: 'VSW2' },
    ]);
  });

  test('does not take VSWITCHes that smcli leaves out for ones that are not defined', () => {
    const { vswitches, findings } = reading([...block('VSW1'), 'Error vlan_id is NULL!!']);
    expect(vswitches).toMatchObject([{ name: 'VSW1' }, { name: 'VSW2', unclear: 'smcli does not show it' }]);
    expect(findings.map(({ of }) => of)).toContain('VSWITCH VSW2');
  });

  test.each([
    ['the exit status is that of a time limit', block('VSW1'), 124],
    ['a return code says that it failed', ['Failed', '  Return Code: 900', '  Reason Code: 8'], 1],
    ['a block is cut short', block('VSW1').slice(0, 8), 1],
    ['an authorisation is cut short', block('VSW1').slice(0, -5), 1],
    ['there is no VSWITCH in it', ['ERROR: Unsupported API function name'], 1],
  ])('is a failure when %s', (_case, text, exitStatus) => {
    expect(() => reading(text, exitStatus)).toThrow();
  });
});

describe('live NICs', () => {
  const adapter = (vdev: string, owner: string, lan: string) =>
    ['Adapter:', `  Address: ${vdev}`, '  Device count: 3', `  LAN owner: ${owner}`, `  LAN name: ${lan}`].join('\n');

  test.each(['(null)', '(NONE)', 'NONE', '', '*'])('are not coupled to %j', (nothing) => {
    const text = `${adapter('1000', nothing, nothing)}\n${adapter('1003', 'SYSTEM', 'VSW1')}\n`;
    expect(parseLiveNics(text)).toEqual([{ vdev: '1000' }, { vdev: '1003', vswitch: 'VSW1' }]);
    expect(isWholeNicAnswer(text)).toBe(true);
  });

  test('with an odd LAN or address are told, beside the others', () => {
    const findings: Finding[] = [];
    const text = [
      adapter('1000', 'SYSTEM', 'NO_VSWITCH_NAME'),
      adapter('10000', 'SYSTEM', 'VSW1'),
      adapter('1006', '', 'VSW2'),
    ];
    expect(parseLiveNics(text.join('\n'), (finding) => findings.push(finding))).toEqual([
      { vdev: '1000', unclear: expect.stringContaining('NO_VSWITCH_NAME') },
      { vdev: '1006', vswitch: 'VSW2' },
    ]);
    expect(findings.map(({ of }) => of)).toEqual(['NIC 1000', 'NIC "10000"']);
  });
});
