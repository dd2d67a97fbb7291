import { afterEach, expect, test } from 'vitest';
import { createXcatClient } from '../../../backend/xcat/rest/client.ts';
import { createXcatBackend } from '../../../backend/xcat/xcat-backend.ts';
import type { Command } from '../../../backend/xcat/zhcp/channel.ts';
import { embeddedHosts } from '../../../demo/embedded-hosts.ts';
import { Userid } from '../../../domain/text/identifiers.ts';
import { rulesOf } from '../../../runtime/host/host-backend.ts';
import { startSimulator } from '../../../simulator/simulator.ts';

const ON = Userid.parse('LNX10001');
const OFF = Userid.parse('LNX10002');
const DEVICES = 'Image_Active_Configuration_Query';
const close: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const each of close.splice(0).reverse()) await each();
});

/** A guest that is logged on with a NIC, and one that is logged off. */
async function open(sent = (command: Command): Command => command) {
  const simulator = await startSimulator({ hosts: 1, guests: 2 });
  close.push(() => simulator.close());
  const [configuration] = embeddedHosts(simulator.url, 1);
  const [system] = simulator.mn.systems;
  const [on, off] = [system?.guest(ON), system?.guest(OFF)];
  if (configuration === undefined || system === undefined || on === undefined || off === undefined)
    throw new Error('no embedded host');
  system.logoff(on);
  system.logoff(off);
  system.replaceEntry(on, [...on.entry.records, 'NICDEF 1000 TYPE QDIO LAN SYSTEM VSW1']);
  system.logon(on);
  const access = { url: simulator.url, username: 'admin', password: 'admin', timeoutMs: 60_000 };
  const client = createXcatClient({ ...access, verifyTls: true, credentialsInQuery: false });
  const backend = createXcatBackend(rulesOf(configuration), {
    ...client,
    channel: (node) => ({
      ...client.channel(node),
      run: (chains, options) =>
        client.channel(node).run(
          chains.map((each) => ('argv' in each ? [each] : each).map(sent)),
          options,
        ),
    }),
  });
  close.push(() => backend.close());
  const control = async (path: string, body?: object) => {
    const init = body && { method: 'POST', body: JSON.stringify(body) };
    return (await fetch(`${simulator.url}/simulator${path}`, init)).json();
  };
  const asked = async (userid: Userid) => {
    const events = (await control('/events')) as { type: string; argv?: string[] }[];
    const commands = events.filter(({ type, argv = [] }) => type === 'smcli' && argv.includes(userid));
    return commands.map(({ argv = [] }) => argv[0]).filter((name) => name !== 'Virtual_Network_VLAN_Query_Stats');
  };
  const read = async () => {
    const { read: of } = await backend.readHost({ userids: [ON, OFF] });
    return { on: of(ON).guest, off: of(OFF).guest };
  };
  return { read, control, asked };
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
  await world.control('/faults', { match: {}, action });
  const { on, off } = await world.read();
  expect(on).toMatchObject({ loggedOn: true, live: [{ vdev: '1000' }] });
  expect(off).toMatchObject({ loggedOn: false, live: [] });
});
