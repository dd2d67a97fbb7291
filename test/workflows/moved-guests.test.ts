import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { readHostView } from '../../client/read-state.ts';
import { restoreSnapshot, type Snapshot, takeSnapshot } from '../../simulator/control/snapshot.ts';
import { type Simulator, startSimulator } from '../../simulator/simulator.ts';
import type { ReconcileHostResult } from '../../workflows/reconciliation-result.ts';
import { createEnvironmentOn, type Environment, failureOf, portId, vlan } from './environment.ts';
import { reconcileHost } from './start.ts';

let simulator: Simulator;
let old: Environment;
let now: Environment;
let untouched: Snapshot;
beforeAll(async () => {
  simulator = await startSimulator({ hosts: 2, guests: 40, release: '6.3' });
  untouched = takeSnapshot(simulator.mn);
  [old, now] = await Promise.all([createEnvironmentOn(simulator, 1), createEnvironmentOn(simulator, 2)]);
});
beforeEach(() => restoreSnapshot(simulator.mn, untouched));
afterAll(async () => {
  await Promise.all([old.close(), now.close()]);
  await simulator.close();
});

const reconcile = (host: Environment, last?: Pick<ReconcileHostResult, 'checkpoint'>) =>
  reconcileHost(host, last && { checkpoint: last.checkpoint }, { sweepSeconds: 1 });

function system(number: number) {
  const found = simulator.mn.systems[number - 1];
  if (found === undefined) throw new Error('no such z/VM');
  return found;
}

/** A guest with a VLAN port on a user-based VSWITCH and one on a port-based, both live on the first system. */
async function wired(number: number) {
  const userid = `LNX100${number}`;
  const ports = [
    { portId: portId(number * 10), vswitch: 'VSW1', network: vlan(100) },
    { portId: portId(number * 10 + 1), vswitch: 'VSWPORT', network: vlan(200) },
  ];
  await old.run('attachNic', { userid, ports });
  return { userid, node: userid.toLowerCase(), first: portId(number * 10), second: portId(number * 10 + 1), ports };
}

/** The guest goes to the second system with its directory entry, and xCAT has it there. */
function move(userid: string): void {
  const guest = system(1).guest(userid);
  if (guest === undefined) throw new Error(`no guest ${userid}`);
  const running = guest.loggedOn;
  if (running) system(1).logoff(guest);
  system(1).guests.delete(userid);
  system(2).guests.set(userid, guest);
  if (running) system(2).logon(guest);
  simulator.mn.tables.put('zvm', { node: userid.toLowerCase(), hcp: 'zhcp2.zvm.example', userid });
}

function grantsOf(userid: string, number: number): string[] {
  return [...system(number).vswitches.values()].flatMap(({ name, authorisations, ports }) => [
    ...(authorisations.has(userid) ? [name] : []),
    ...[...ports.values()].filter((port) => port.userid === userid).map(() => name),
  ]);
}
const rowsOf = (node: string) => simulator.mn.tables.list('switch').filter((row) => row.node === node);
const ownersOf = (node: string) => rowsOf(node).map((row) => row.comments);

describe('a guest that has moved to another z/VM of the management node', () => {
  test('is adopted by the host where it is, and the other one takes its grants', async () => {
    const { userid, node } = await wired(11);
    const before = await reconcile(old);
    move(userid);
    const adopted = await reconcile(now);
    expect(adopted.drifts).toEqual(expect.arrayContaining([expect.stringMatching(`${userid} is recorded for zhcp1`)]));
    expect(ownersOf(node)).toEqual(['zhcp2', 'zhcp2']);
    expect(grantsOf(userid, 2)).toEqual(['VSW1', 'VSWPORT']);
    expect(system(2).guest(userid)?.nics).toMatchObject([
      { vswitch: 'VSW1', vlans: [100] },
      { vswitch: 'VSWPORT', vlans: [200] },
    ]);
    const left = await reconcile(old, before);
    expect(left.drifts).toEqual(expect.arrayContaining([expect.stringContaining(`${userid} is on zhcp2 now`)]));
    expect(grantsOf(userid, 1)).toEqual([]);
    expect(await reconcile(old, left)).toMatchObject({ drifts: [], failed: 0 });
    expect(await reconcile(now, adopted)).toMatchObject({ drifts: [], failed: 0 });
  });

  test('loses its grants on the host that it has left also when that looks first, which reports it until the other has looked', async () => {
    const { userid, node, first } = await wired(12);
    move(userid);
    const left = await reconcile(old);
    expect(left.drifts).toEqual(expect.arrayContaining([expect.stringContaining(`${userid} is on zhcp2 now`)]));
    expect(grantsOf(userid, 1)).toEqual([]);
    expect(ownersOf(node)).toEqual(['zhcp1', 'zhcp1']);
    const meanwhile = await reconcile(old, left);
    expect(meanwhile.failures).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ about: { kind: 'port', portId: first }, reason: expect.stringContaining('zhcp2') }),
      ]),
    );
    await reconcile(now);
    expect(grantsOf(userid, 2)).toEqual(['VSW1', 'VSWPORT']);
    expect((await reconcile(old, meanwhile)).failures).toEqual([]);
  });

  test('is shown as drift on both hosts', async () => {
    const { userid, first } = await wired(13);
    move(userid);
    const shown = async (host: Environment) => {
      const { guests } = await readHostView(host.client, host.host);
      return guests.flatMap(({ ports }) => ports).find((port) => port.portId === first)?.drift;
    };
    expect(await shown(old)).toEqual(expect.arrayContaining([expect.stringContaining('is on zhcp2 now')]));
    expect(await shown(now)).toEqual(expect.arrayContaining([expect.stringContaining('is recorded for zhcp1')]));
    await reconcile(now);
    expect(await shown(old)).toBeUndefined();
  });

  test('has its port made again on the new host without a second row', async () => {
    const { userid, node, ports } = await wired(14);
    move(userid);
    for (const port of ports) await now.run('createPort', { userid, ...port });
    expect(rowsOf(node)).toHaveLength(2);
    expect(ownersOf(node)).toEqual(['zhcp2', 'zhcp2']);
    expect(grantsOf(userid, 2)).toEqual(['VSW1', 'VSWPORT']);
  });

  test('has a port of it deleted on either host', async () => {
    const { userid, node, first, second } = await wired(15);
    move(userid);
    await old.run('deletePort', { userid, portId: second });
    expect(rowsOf(node).map((row) => row.port)).toEqual([first]);
    expect(grantsOf(userid, 1)).toEqual(['VSW1']);
    await now.run('deletePort', { userid, portId: first });
    expect(rowsOf(node)).toEqual([]);
    expect(system(2).guest(userid)?.nicdefs).toEqual([{ ...system(2).guest(userid)?.nicdefs[0], vdev: '1003' }]);
  });

  test('is not adopted where the new host may not have its VLAN, and both say so', async () => {
    const narrow = await createEnvironmentOn(simulator, 2, {
      physicalNetworks: now.configuration.physicalNetworks.map((each) => ({
        ...each,
        vlanRanges: each.flat ? [] : [{ from: 1, to: 50 }],
      })),
    });
    const { userid, node, first } = await wired(18);
    move(userid);
    const seen = await reconcile(narrow);
    expect(seen.failures).toEqual(
      expect.arrayContaining([
        expect.objectContaining({
          about: { kind: 'port', portId: first },
          reason: expect.stringContaining('VLAN 100'),
        }),
      ]),
    );
    expect(grantsOf(userid, 2)).toEqual([]);
    expect(ownersOf(node)).toEqual(['zhcp1', 'zhcp1']);
    expect((await reconcile(old)).drifts).toEqual(expect.arrayContaining([expect.stringContaining(userid)]));
    await narrow.close();
  });

  test('is given nothing on the host that it has left', async () => {
    const { userid, first } = await wired(16);
    move(userid);
    const failure = await failureOf(old.run('changeVlan', { userid, portId: first, network: vlan(7) }));
    expect(failure).toMatchObject({ type: 'Refused', message: expect.stringContaining('belongs to zhcp2') });
  });

  test('leaves no NIC that is coupled on the old system, where a guest of that name still runs', async () => {
    const { userid, node } = await wired(17);
    simulator.mn.tables.put('zvm', { node, hcp: 'zhcp2.zvm.example', userid });
    await reconcile(old);
    expect(grantsOf(userid, 1)).toEqual([]);
    expect(system(1).guest(userid)?.nics).toEqual([]);
    expect(system(1).guest(userid)?.nicdefs).toHaveLength(2);
  });
});
