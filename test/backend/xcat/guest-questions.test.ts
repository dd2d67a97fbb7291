import { expect, test } from 'vitest';
import type { Command } from '../../../backend/xcat/zhcp/channel.ts';
import { Userid } from '../../../domain/text/identifiers.ts';
import { passing, simulatedHost } from './simulated-host.ts';

const ON = Userid.parse('LNX10001');
const OFF = Userid.parse('LNX10002');
const DEVICES = 'Image_Active_Configuration_Query';

/** A guest that is logged on with a NIC, and one that is logged off. */
async function open(sent = (command: Command): Command => command) {
  const host = await simulatedHost({ guests: 2 }, { seen: passing(sent) });
  const { backend, system, fault } = host;
  const [on, off] = [host.guest(ON), host.guest(OFF)];
  system.logoff(on);
  system.logoff(off);
  system.replaceEntry(on, [...on.entry.records, 'NICDEF 1000 TYPE QDIO LAN SYSTEM VSW1']);
  system.logon(on);
  const asked = async (userid: Userid) => {
    const commands = (await host.events('smcli')).filter(({ argv = [] }) => argv.includes(userid));
    return commands.map(({ argv = [] }) => argv[0]).filter((name) => name !== 'Virtual_Network_VLAN_Query_Stats');
  };
  const read = async () => {
    const { read: of } = await backend.readHost({ userids: [ON, OFF] });
    return { on: of(ON).guest, off: of(OFF).guest };
  };
  return { read, fault, asked };
}

test('of a guest that is logged off, SMAPI is asked for the directory entry alone', async () => {
  const world = await open();
  const { on, off } = await world.read();
  expect(on).toMatchObject({ loggedOn: true, live: [{ vdev: '1000' }] });
  expect(off).toMatchObject({ loggedOn: false, live: [] });
  expect((await world.asked(ON)).toSorted()).toEqual([DEVICES, 'Image_Query_DM', 'Virtual_Network_Adapter_Query']);
  expect(await world.asked(OFF)).toEqual(['Image_Query_DM']);
});

test('where CP does not say whether a guest is logged on, SMAPI does', async () => {
  const world = await open(({ shell, ...command }) => ({
    ...command,
    ...(shell === undefined ? {} : { shell: shell.replace("'user'", "'userid'") }),
  }));
  const { on, off } = await world.read();
  expect(on).toMatchObject({ loggedOn: true, live: [{ vdev: '1000' }] });
  expect(off).toMatchObject({ loggedOn: false, live: [] });
});

test.each([
  ['is refused', { kind: 'smapi', function: DEVICES, rc: 100, rs: 8 }],
  ['is not known', { kind: 'smapi', function: DEVICES, rc: 900, rs: 13 }],
])('the NICs of a guest are known where the question for its devices %s', async (_case, action) => {
  const world = await open();
  await world.fault(action);
  const { on, off } = await world.read();
  expect(on).toMatchObject({ loggedOn: true, live: [{ vdev: '1000' }] });
  expect(off).toMatchObject({ loggedOn: false, live: [] });
});
