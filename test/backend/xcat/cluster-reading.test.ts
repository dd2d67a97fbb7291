import { expect, test } from 'vitest';
import type { ZvmBackend } from '../../../backend/backend.ts';
import { parseSsi, parseSystem } from '../../../backend/xcat/zhcp/level-parsers.ts';
import { NodeName, Userid } from '../../../domain/text/identifiers.ts';
import type { Simulator, SimulatorOptions } from '../../../simulator/simulator.ts';
import { relocate } from '../../../simulator/zvm/relocation.ts';
import { passing, simulatedHost } from './simulated-host.ts';

const GUEST = Userid.parse('LNX10001');
type World = { backend: ZvmBackend; simulator: Simulator; sent: string[] };

/** The backend of the first member of a simulated cluster, with the commands that it sends. */
async function open(options: SimulatorOptions = {}, ssiMembers?: readonly string[]): Promise<World> {
  const sent: string[] = [];
  const seen = passing((command, node) => {
    sent.push(`${node}: ${command.argv.join(' ')}`);
    return command;
  });
  const configured = ssiMembers === undefined ? {} : { ssiMembers: ssiMembers.map((node) => NodeName.parse(node)) };
  return { ...(await simulatedHost({ hosts: 2, guests: 2, ssi: true, ...options }, { seen, configured })), sent };
}

const survey = ({ backend }: World) => backend.readHost({ userids: [GUEST], survey: true });
const guestOf = async (world: World) => (await survey(world)).read(GUEST).guest;
const asked = ({ sent }: World, question: string) => sent.filter((command) => command.endsWith(question)).length;

function away({ simulator }: World): void {
  const [from, to] = simulator.mn.systems;
  if (from === undefined || to === undefined) throw new Error('no members');
  expect(relocate(from, to, GUEST)).toBeNull();
}

test('a survey asks z/VM for the cluster, and only the first one for the members of zHCPs', async () => {
  const world = await open();
  const { capabilities, members } = await survey(world);
  expect(capabilities.ssi).toEqual({
    name: 'ZVMSSI',
    members: [
      { system: 'ZVM1', zhcp: 'zhcp1' },
      { system: 'ZVM2', zhcp: 'zhcp2' },
    ],
  });
  expect(members.map(({ member }) => member)).toEqual(['zhcp2']);
  await survey(world);
  expect([asked(world, 'q ssi'), asked(world, 'q userid')]).toEqual([2, 2]);
});

test('a system that is no member asks nobody else', async () => {
  const world = await open({ ssi: false });
  const { capabilities, findings, members } = await survey(world);
  expect([capabilities.ssi, findings, members]).toEqual([undefined, [], []]);
  expect(world.sent.filter((command) => !command.startsWith('zhcp1: '))).toEqual([]);
});

test('members that the configuration names hold whatever z/VM says, and none makes it no member', async () => {
  const named = await open({}, ['zhcp1', 'zhcp2']);
  away(named);
  expect(await guestOf(named)).toMatchObject({ loggedOn: true, cluster: { runsOn: 'zhcp2' } });
  expect(asked(named, 'q userid')).toBe(0);
  const none = await open({}, []);
  away(none);
  const guest = await guestOf(none);
  expect([guest.loggedOn, guest.cluster]).toEqual([false, undefined]);
});

test('a guest that is logged on nowhere is off, also while a member does not answer', async () => {
  const world = await open();
  world.simulator.mn.systems[0]?.logoff(guestIn(world));
  await survey(world);
  if (world.simulator.mn.systems[1] !== undefined) world.simulator.mn.systems[1].reachable = false;
  const reading = await survey(world);
  expect(reading.read(GUEST).guest).toMatchObject({ loggedOn: false, cluster: { others: [] } });
  expect(reading.findings).toEqual([expect.objectContaining({ of: 'member zhcp2 of the SSI cluster' })]);
});

test('a guest of which no member that answers knows is not taken for one that is off', async () => {
  const world = await open();
  away(world);
  await survey(world);
  if (world.simulator.mn.systems[1] !== undefined) world.simulator.mn.systems[1].reachable = false;
  const { read } = await survey(world);
  expect(() => read(GUEST)).toThrow(
    expect.objectContaining({ retryable: true, message: expect.stringContaining('zhcp2') }),
  );
});

function guestIn({ simulator }: World) {
  const guest = simulator.mn.systems[0]?.guest(GUEST);
  if (guest === undefined) throw new Error(`no guest ${GUEST}`);
  return guest;
}

test.each([
  ['This system is not a member of an SSI cluster.', undefined],
  [
    'SSI Name: POKSSI\nSSI Mode: Stable\n   1 POKDEV62 Joined    02/05/13 22:34:40   02/05/13 22:34:40\n   2 POKTST62 Down\n   3 -------- Available\n',
    { name: 'POKSSI', systems: ['POKDEV62', 'POKTST62'] },
  ],
])('QUERY SSI: %j', (output, cluster) => {
  expect(parseSsi(output)).toEqual(cluster);
});

test.each(['', 'HCPCMD001E Unknown CP command: SSI', 'SSI Name: POKSSI\n'])(
  '%j is no answer of QUERY SSI',
  (output) => {
    expect(() => parseSsi(output)).toThrow(expect.objectContaining({ code: 'bad-answer' }));
  },
);

test('QUERY USERID tells the system of a zHCP', () => {
  expect(parseSystem('ZHCP2    AT ZVM2\n')).toBe('ZVM2');
  expect(() => parseSystem('')).toThrow(expect.objectContaining({ code: 'bad-answer' }));
});
