import { describe, expect, test } from 'vitest';
import { partsOf } from '../../../backend/xcat/reading/identity-reading.ts';
import type { CommandOutcome } from '../../../backend/xcat/zhcp/channel.ts';
import { unclearPorts } from '../../../domain/drift/unclear-ports.ts';
import { takenDevices } from '../../../domain/guest/taken-devices.ts';
import { devicesOverlap, nicDevices, Vdev } from '../../../domain/port/vdev.ts';
import { Userid } from '../../../domain/text/identifiers.ts';
import type { SimulatorOptions } from '../../../simulator/simulator.ts';
import { passing, simulatedHost } from './simulated-host.ts';

const GUEST = Userid.parse('LNX10001');
const PORT = '5f1a0a3c-0000-4000-8000-000000000001';
const LAN = 'TYPE QDIO LAN SYSTEM VSW1';

/** A host whose guest is an IDENTITY with these records behind its first, and a recorded port with NIC 1000. */
async function open(records: readonly string[], subconfigs: Record<string, string[]>, options: SimulatorOptions = {}) {
  const sent: string[] = [];
  const seen = passing((command) => {
    sent.push(command.argv.join(' '));
    return command;
  });
  const host = await simulatedHost({ hosts: 2, guests: 2, ssi: true, ...options }, { seen });
  const { simulator, backend, system } = host;
  const guest = host.guest(GUEST);
  system.logoff(guest);
  guest.entry.restore([`IDENTITY ${GUEST} SECRET12 2G 8G G`, ...records], undefined, 'none');
  for (const [name, statements] of Object.entries(subconfigs))
    system.dirmaint.subconfigs.set(name, { name, statements });
  const row = {
    node: GUEST.toLowerCase(),
    switch: 'VSW1',
    port: PORT,
    vlan: '7',
    interface: '1000',
    comments: 'zhcp1',
  };
  simulator.mn.tables.put('switch', row);
  const read = async (userid = GUEST) => (await backend.readHost({ userids: [userid] })).read(userid);
  return { simulator, sent, read };
}

const BOTH = ['BUILD ON ZVM1 USING SUBCONFIG FIRST', 'BUILD ON ZVM2 USING SUBCONFIG SECOND', `NICDEF 2000 ${LAN}`];
const TWO = {
  FIRST: [`NICDEF 1000 ${LAN} MACID 0A0B0C`, 'MDISK 0191 3390 1 10 VOL001 MR'],
  SECOND: [`NICDEF 3000 ${LAN} MACID 0A0B0D`],
};
const isTaken = (guest: Parameters<typeof takenDevices>[0], vdev: string) =>
  takenDevices(guest, []).some((range) => devicesOverlap(nicDevices(Vdev.parse(vdev)), range));

describe('an IDENTITY', () => {
  test('has the NICs of its member’s SUBCONFIG beside its own, with the place where they stand', async () => {
    const { read } = await open(BOTH, TWO);
    const { guest, findings } = await read();
    expect(guest.directory).toEqual([
      expect.objectContaining({ vdev: '1000', vswitch: 'VSW1', macId: '0A0B0C', subconfig: 'FIRST' }),
      { vdev: '2000', vswitch: 'VSW1' },
    ]);
    expect(findings).toEqual([{ of: `guest ${GUEST}, NIC 1000`, reason: expect.stringContaining('SUBCONFIG FIRST') }]);
  });

  test('has a port that stands in a SUBCONFIG left as it is, and reported', async () => {
    const { read } = await open(BOTH, TWO);
    const { guest, vswitches } = await read();
    expect(unclearPorts(guest, vswitches)).toEqual([
      {
        portId: PORT,
        reason: 'NIC 1000: its NICDEF stands in SUBCONFIG FIRST, which is never changed. The port stays unchanged',
      },
    ]);
  });

  test('gives away the devices of all members, where a NIC of its entry would meet them', async () => {
    const { read } = await open(BOTH, TWO);
    const { guest } = await read();
    expect(['1000', '2000', '3000', '0191', '4000'].map((vdev) => isTaken(guest, vdev))).toEqual([
      ...[true, true, true, true],
      false,
    ]);
  });

  test('keeps the MACs of all its SUBCONFIGs from other guests', async () => {
    const { read } = await open(BOTH, TWO);
    await read();
    const { macsInUse } = await read(Userid.parse('LNX10002'));
    const owners = [...macsInUse].filter(([mac]) => /0a:0b:0d/i.test(mac));
    expect(owners.flatMap(([, uses]) => uses.map(({ owner, vdev }) => [owner, vdev]))).toEqual([[GUEST, '3000']]);
  });

  test('has the SUBCONFIG for every member where it names no member, and no system is asked for', async () => {
    const { read, sent } = await open(['BUILD ON * USING SUBCONFIG FIRST'], TWO, { ssi: false, hosts: 1 });
    const { guest } = await read();
    expect(guest.directory).toMatchObject([{ vdev: '1000', subconfig: 'FIRST' }]);
    expect(sent).not.toContain('vmcp q userid');
  });

  test('has the NICs of all its SUBCONFIGs, each left as it is, while its member is not known', () => {
    const findings: unknown[] = [];
    const builds = ['1', '2'].map((number) => ({ member: `ZVM${number}`, subconfig: `LNX1-${number}` }));
    const outcomes = builds.map(({ subconfig }, index): [string, CommandOutcome] => {
      const output = `SUBCONFIG ${subconfig}\nNICDEF ${index + 1}000 ${LAN}\n`;
      return [subconfig, { ran: true, exitStatus: 0, output }];
    });
    const { nics, elsewhere } = partsOf(builds, undefined, new Map(outcomes), (finding) => findings.push(finding));
    expect(nics.map(({ vdev, unclear }) => [vdev, unclear])).toEqual([
      ['1000', expect.stringContaining('SUBCONFIG LNX1-1')],
      ['2000', expect.stringContaining('SUBCONFIG LNX1-2')],
    ]);
    expect([elsewhere, findings]).toEqual([
      [],
      [
        {
          of: 'the SUBCONFIGs of its IDENTITY',
          reason: 'the name of the z/VM system that the guest is on is not known: all of them count',
        },
      ],
    ]);
  });

  test('whose SUBCONFIG the directory does not have is reported', async () => {
    const { read } = await open(BOTH, { FIRST: TWO.FIRST });
    const { guest, findings } = await read();
    expect(guest.directory).toHaveLength(2);
    expect(findings).toContainEqual({
      of: `guest ${GUEST}, SUBCONFIG SECOND`,
      reason: 'the directory does not have it',
    });
  });

  test('whose SUBCONFIG cannot be read is not read either', async () => {
    const { read, simulator } = await open(BOTH, TWO);
    const action = { kind: 'smapi', function: 'Image_Query_DM', userid: 'FIRST', rc: 596, rs: 1000, when: 'before' };
    const fault = await fetch(`${simulator.url}/simulator/faults`, {
      method: 'POST',
      body: JSON.stringify({ match: {}, action, times: 1 }),
      headers: { 'content-type': 'application/json' },
    });
    expect(fault.ok).toBe(true);
    await expect(read()).rejects.toThrow(/read SUBCONFIG FIRST: SMAPI return code 596/);
    await expect(read()).resolves.toBeDefined();
  });
});
