import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readHostView } from '../../client/read-state.ts';
import { makeGuest } from '../../simulator/zvm/guest.ts';
import type { ReconcileHostResult } from '../../workflows/reconciliation-result.ts';
import { createEnvironment, type Environment, failureOf, portId, vlan } from './environment.ts';
import { reconcileHost } from './start.ts';

let zvm: Environment;
beforeAll(async () => {
  zvm = await createEnvironment({ guests: 40 });
});
afterAll(() => zvm.close());

const port = (id: string) => ({ kind: 'port', portId: id });

const reconcile = (last?: ReconcileHostResult) =>
  reconcileHost(zvm, last && { checkpoint: last.checkpoint }, { sweepSeconds: 1 });

function system() {
  const [first] = zvm.simulator.mn.systems;
  if (first === undefined) throw new Error('no z/VM');
  return first;
}
const tables = () => zvm.simulator.mn.tables;

/** A guest with a VLAN port on a user-based VSWITCH and one on a port-based. */
async function wired(number: number) {
  const userid = `LNX100${number}`;
  const ports = [
    { portId: portId(number * 10), vswitch: 'VSW1', network: vlan(100) },
    { portId: portId(number * 10 + 1), vswitch: 'VSWPORT', network: vlan(200) },
  ];
  await zvm.run('attachNic', { userid, ports });
  return { userid, node: userid.toLowerCase(), first: portId(number * 10), second: portId(number * 10 + 1) };
}

/** DIRM PURGE, as Nova destroys a guest; what DirMaint does not know of stays: rows and grants. */
function purge(userid: string): void {
  const guest = system().guest(userid);
  if (guest?.loggedOn === true) system().logoff(guest);
  system().guests.delete(userid);
}

/** The row of the `zvm` table, as `rmdef` has it. */
const removeNode = (node: string) => tables().remove('zvm', (row) => row.get('node') === node);
const defineNode = (node: string, userid: string) => tables().put('zvm', { node, hcp: 'zhcp1.zvm.example', userid });
const rowsOf = (node: string) =>
  tables()
    .list('switch')
    .filter((row) => row.node === node);
const macsOf = (node: string) =>
  tables()
    .list('mac')
    .filter((row) => row.node === node);

function grantsOf(userid: string): string[] {
  return [...system().vswitches.values()].flatMap(({ name, authorisations, ports }) => [
    ...(authorisations.has(userid) ? [name] : []),
    ...[...ports.values()].filter((port) => port.userid === userid).map(() => name),
  ]);
}

describe('deletePort of a guest', () => {
  test('that the user directory has no more takes its rows and grants, one port after the other', async () => {
    const { userid, node, first, second } = await wired(11);
    purge(userid);
    expect(await zvm.run('deletePort', { userid, portId: first })).toMatchObject({ changed: true });
    expect(grantsOf(userid)).toEqual(['VSWPORT']);
    await zvm.run('deletePort', { userid, portId: second });
    expect(grantsOf(userid)).toEqual([]);
    expect(rowsOf(node)).toEqual([]);
    expect(macsOf(node)).toEqual([]);
  });

  test('whose node is gone too', async () => {
    const { userid, node, first, second } = await wired(12);
    purge(userid);
    removeNode(node);
    await zvm.run('deletePort', { userid, portId: first });
    await zvm.run('deletePort', { userid, portId: second });
    expect(grantsOf(userid)).toEqual([]);
    expect([...rowsOf(node), ...macsOf(node)]).toEqual([]);
  });

  test('whose node alone is gone takes the NICs of the running guest and its directory entry too', async () => {
    const { userid, node, first, second } = await wired(13);
    removeNode(node);
    await zvm.run('deletePort', { userid, portId: first });
    expect(grantsOf(userid)).toEqual(['VSWPORT']);
    expect(system().guest(userid)).toMatchObject({ nics: [{ vswitch: 'VSWPORT' }], nicdefs: [{ vdev: '1003' }] });
    await zvm.run('deletePort', { userid, portId: second });
    expect(grantsOf(userid)).toEqual([]);
    expect(system().guest(userid)).toMatchObject({ nics: [], nicdefs: [] });
    expect(rowsOf(node)).toEqual([]);
  });

  test('that was purged while it ran takes the NICs that it still has', async () => {
    const { userid, first, second } = await wired(15);
    const guest = system().guest(userid);
    if (guest === undefined) throw new Error('no guest');
    // Its entry is gone, it itself is not.
    const withoutEntry = await zvm.control('POST', 'faults', {
      match: {},
      action: { kind: 'smapi', function: 'Image_Query_DM', userid, rc: 400, rs: 4 },
    });
    await zvm.run('deletePort', { userid, portId: first });
    await zvm.run('deletePort', { userid, portId: second });
    expect(guest.nics).toEqual([]);
    expect(grantsOf(userid)).toEqual([]);
    await zvm.control('DELETE', `faults/${(withoutEntry as { id: string }).id}`);
  });

  test('finds its port in the host by the port id alone', async () => {
    const { userid, node, first } = await wired(14);
    purge(userid);
    removeNode(node);
    const view = await readHostView(zvm.client, zvm.host);
    const guest = view.guests.find(({ ports }) => ports.some((port) => port.portId === first));
    expect(guest).toMatchObject({
      userid,
      drift: [expect.stringContaining(`guest ${userid} with ports on this host is not in xCAT`)],
    });
  });
});

test('all else is refused of a guest that the user directory has not, and nothing is touched', async () => {
  const { userid, first } = await wired(16);
  const before = tables().list('switch');
  purge(userid);
  const another = { userid, portId: portId(9_001), vswitch: 'VSW1', network: vlan(100) };
  const failures = await Promise.all([
    failureOf(zvm.run('createPort', another)),
    failureOf(zvm.run('changeVlan', { userid, portId: first, network: vlan(101) })),
  ]);
  for (const failure of failures)
    expect(failure).toMatchObject({ type: 'Refused', message: expect.stringContaining(`no guest ${userid}`) });
  expect(tables().list('switch')).toEqual(before);
});

describe('reconciliation', () => {
  test('forgets the ports of a guest that has gone, and a later guest of that name has nothing', async () => {
    const { userid, node } = await wired(21);
    const before = await reconcile();
    purge(userid);
    const after = await reconcile(before);
    expect(after.drifts).toEqual(expect.arrayContaining([expect.stringContaining(userid)]));
    expect(grantsOf(userid)).toEqual([]);
    expect([...rowsOf(node), ...macsOf(node)]).toEqual([]);

    const later = makeGuest(userid);
    system().guests.set(userid, later);
    system().logon(later);
    const then = await reconcile(after);
    expect(then.failures.map(({ about }) => about)).not.toContainEqual({ kind: 'guest', userid });
    expect(later).toMatchObject({ nics: [], nicdefs: [] });
    expect(grantsOf(userid)).toEqual([]);
  });

  test('forgets them also when the node has gone with it', async () => {
    const { userid, node } = await wired(22);
    const before = await reconcile();
    purge(userid);
    removeNode(node);
    await reconcile(before);
    expect(grantsOf(userid)).toEqual([]);
    expect(rowsOf(node)).toEqual([]);
  });

  test('takes the grants of a guest whose rows and node Nova has removed, whether it sees that at once or later', async () => {
    const { userid, node } = await wired(23);
    const before = await reconcile();
    for (const table of ['switch', 'mac', 'hosts']) tables().remove(table, (row) => row.get('node') === node);
    removeNode(node);
    const meanwhile = await reconcile(before);
    // As long as z/VM has the guest, it is unknown whether it is to be cut off.
    expect(grantsOf(userid)).toHaveLength(2);
    expect(meanwhile.failures.map(({ reason }) => reason)).toEqual(
      expect.arrayContaining([expect.stringContaining(`guest ${userid} with ports on this host is no longer in xCAT`)]),
    );
    purge(userid);
    await reconcile(meanwhile);
    expect(grantsOf(userid)).toEqual([]);
  });

  test('reports ports that never had a guest as long as they are there: its userid may be written wrongly', async () => {
    const { userid, node, first, second } = await wired(24);
    defineNode(node, 'LNX1OO24');
    const seen = await reconcile();
    const again = await reconcile(await reconcile(seen));
    for (const { failures } of [seen, again])
      expect(failures).toEqual(
        expect.arrayContaining([
          expect.objectContaining({ about: port(first), reason: expect.stringContaining('LNX1OO24') }),
        ]),
      );
    expect(rowsOf(node)).toHaveLength(2);
    expect(grantsOf(userid)).toHaveLength(2);
    await zvm.run('deletePort', { userid: 'LNX1OO24', portId: second });
    defineNode(node, userid);
    const corrected = await reconcile(again);
    expect(corrected.failures.map(({ about }) => about)).not.toContainEqual(port(first));
    expect(rowsOf(node)).toHaveLength(1);
  });

  test('leaves a row of Nova alone whose guest is not made yet', async () => {
    const node = 'lnx90001';
    defineNode(node, 'LNX90001');
    tables().put('switch', { node, switch: '', port: portId(9_002), interface: '1000', comments: 'zhcp1' });
    await reconcile(await reconcile(await reconcile()));
    expect(rowsOf(node)).toHaveLength(1);
  });

  test('reports a port whose node has gone while z/VM has the guest, and leaves guest and port as they are', async () => {
    const { userid, node, first } = await wired(25);
    const before = await reconcile();
    removeNode(node);
    const seen = await reconcile(before);
    expect(seen.failures.map(({ about }) => about)).toContainEqual(port(first));
    const again = await reconcile(seen);
    expect(again.failures.map(({ about }) => about)).toContainEqual(port(first));
    expect(grantsOf(userid)).toHaveLength(2);
    expect(rowsOf(node)).toHaveLength(2);
    defineNode(node, userid);
    const then = await reconcile(again);
    expect(then.failures.map(({ about }) => about)).not.toContainEqual(port(first));
    expect(
      system()
        .guest(userid)
        ?.nics.map((nic) => nic.vswitch),
    ).toEqual(['VSW1', 'VSWPORT']);
  });
});
