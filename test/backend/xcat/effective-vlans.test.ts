import { expect, test } from 'vitest';
import type { Reading } from '../../../backend/reading.ts';
import { parseNicVlans } from '../../../backend/xcat/zhcp/smcli-parsers.ts';
import type { Finding } from '../../../domain/drift/finding.ts';
import { Userid } from '../../../domain/text/identifiers.ts';
import type { SimulatorOptions } from '../../../simulator/simulator.ts';
import { simulatedHost } from './simulated-host.ts';

const GUEST = Userid.parse('LNX10001');
const STATISTICS = 'Virtual_Network_VLAN_Query_Stats';

/** A guest that logs on with these NICDEFs, read twice: the first reading learns the levels of the host. */
async function open(options: SimulatorOptions, statements: readonly string[]) {
  const host = await simulatedHost({ guests: 2, ...options });
  const { simulator, backend, system, calls } = host;
  const guest = host.guest(GUEST);
  system.logoff(guest);
  system.replaceEntry(guest, [...guest.entry.records, ...statements]);
  system.logon(guest);
  const read = async (): Promise<Reading> => (await backend.readHost({ userids: [GUEST] })).read(GUEST);
  const control = async (method: string, path: string, body?: object) => {
    const answer = await fetch(`${simulator.url}/simulator${path}`, {
      method,
      ...(body && { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    });
    return answer.json();
  };
  const asked = async () => (await host.events('smcli')).filter(({ argv = [] }) => argv[0] === STATISTICS).length;
  return { simulator, guest, system, read, control, asked, calls };
}

const TWO_VLANS = [
  'NICDEF 1000 TYPE QDIO LAN SYSTEM VSW1 PORTTYPE ACCESS VLAN 100',
  'NICDEF 1003 TYPE QDIO LAN SYSTEM VSW1 PORTTYPE TRUNK VLAN 200-202',
  'NICDEF 1006 TYPE QDIO',
];

test.each(['shown', 'hidden'] as const)(
  'the VLANs of live NICs are those that z/VM has them on, whether QUERY VSWITCH has them %s, by no further call',
  async (adapterVlan) => {
    const world = await open({ release: '7.4', adapterVlan }, TWO_VLANS);
    await world.read();
    const before = await world.calls();
    const { guest, findings } = await world.read();
    expect(findings).toEqual([]);
    expect(guest.live.map(({ vdev, vlans }) => [vdev, vlans])).toEqual([
      ['1000', [100]],
      ['1003', [200, 201, 202]],
      ['1006', undefined],
    ]);
    const first = await world.calls();
    await world.read();
    expect((await world.calls()) - first).toBe(first - before);
  },
);

test('a host without directory network authorization is not asked, but for the first reading, which does not know it', async () => {
  const world = await open({ release: '6.3' }, []);
  for (let reading = 0; reading < 3; reading += 1)
    for (const nic of (await world.read()).guest.live) expect(nic).not.toHaveProperty('vlans');
  expect(await world.asked()).toBe(1);
});

test('the port of a live NIC is told where the VSWITCH has the same one for its guest, and unknown elsewhere', async () => {
  const world = await open({ release: '7.4', dnaPorts: 'listed' }, TWO_VLANS);
  await world.read();
  const ports = world.guest.nics.flatMap(({ connection }) => connection?.cpPort ?? []);
  const portsIn = ({ guest }: Reading) => guest.live.map(({ vdev, portNumber }) => [vdev, portNumber]);
  expect(portsIn(await world.read())).toEqual([
    ['1000', ports[0]],
    ['1003', ports[1]],
    ['1006', undefined],
  ]);
  await world.control('POST', '/systems/zhcp1/behaviour', { dnaPorts: 'hidden' });
  expect(portsIn(await world.read()).flatMap(([, port]) => port ?? [])).toEqual([]);
});

test('VLANs that cannot be read are a finding, and hide nothing', async () => {
  const world = await open({ release: '7.4' }, TWO_VLANS);
  const action = { kind: 'smapi', function: STATISTICS, rc: 396, rs: 26 };
  await world.control('POST', '/faults', { action });
  const { guest, findings } = await world.read();
  expect(guest.live.map(({ vdev, vswitch }) => [vdev, vswitch])).toEqual([
    ['1000', 'VSW1'],
    ['1003', 'VSW1'],
    ['1006', undefined],
  ]);
  for (const nic of guest.live) expect(nic).not.toHaveProperty('vlans');
  expect(findings).toMatchObject([{ of: `guest ${GUEST}, VLANs of its NICs`, reason: expect.stringContaining('396') }]);
});

test('a guest that is logged off has no VLANs, and no finding', async () => {
  const world = await open({ release: '7.4' }, TWO_VLANS);
  world.system.logoff(world.guest);
  expect(await world.read()).toMatchObject({ guest: { live: [] }, findings: [] });
});

const ANSWER = [
  'portNicArrayCount = 2',
  'portNicArrayCount = 2',
  '',
  'type = NIC',
  'nic_addr = 1000',
  'nic_num = 1',
  '',
  'pseg_vlanid = 0100',
  'pseg_rx = 0',
  'type = NIC',
  'nic_addr = 1003',
  'nic_num = 2',
];

test('z/VM says nothing of a NIC without a VLAN in the answer, and an answer that is cut short says nothing at all', () => {
  expect([...parseNicVlans(`${ANSWER.join('\n')}\n`)]).toEqual([['1000', [100]]]);
  expect(() => parseNicVlans(ANSWER.slice(0, 9).join('\n'))).toThrow('not whole');
  expect(() => parseNicVlans('')).toThrow('not whole');
  const findings: Finding[] = [];
  const odd = ANSWER.map((line) => line.replace('1003', 'ZZZZ').replace('0100', '9999'));
  expect([...parseNicVlans(odd.join('\n'), (finding) => findings.push(finding))]).toEqual([]);
  expect(findings).toMatchObject([{ of: 'NIC "ZZZZ"' }]);
});
