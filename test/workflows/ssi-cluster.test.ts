import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { readGuestView, readHostView } from '../../client/read-state.ts';
import { type Simulator, startSimulator } from '../../simulator/simulator.ts';
import { relocate } from '../../simulator/zvm/relocation.ts';
import { guestWorkflowId } from '../../temporal-config/names.ts';
import type { ReconcileHostResult } from '../../workflows/reconciliation-result.ts';
import { createEnvironmentOn, type Environment, failureOf, portId, vlan } from './environment.ts';
import { startRun } from './start.ts';

// 6.3: grants authorise, and each member has its own.
describe('a guest of an SSI cluster', () => {
  let simulator: Simulator;
  let first: Environment;
  let second: Environment;
  let next = 1;
  beforeAll(async () => {
    simulator = await startSimulator({ hosts: 2, guests: 40, ssi: true, release: '6.3', clusterIntervalMs: 0 });
    [first, second] = await Promise.all([createEnvironmentOn(simulator, 1), createEnvironmentOn(simulator, 2)]);
  });
  afterAll(async () => {
    await Promise.all([first.close(), second.close()]);
    await simulator.close();
  });

  const systemOf = (zhcp: string) => {
    const system = simulator.mn.systemOf(zhcp);
    if (system === undefined) throw new Error(`no system of ${zhcp}`);
    return system;
  };
  const go = (userid: string, from: string, to: string) => {
    expect(relocate(systemOf(from), systemOf(to), userid)).toBeNull();
  };
  const grantsOn = (zhcp: string, userid: string) =>
    [...systemOf(zhcp).vswitches.values()].flatMap(({ name, authorisations }) => {
      const grant = authorisations.get(userid);
      return grant === undefined ? [] : [`${name} ${grant.vlans}`];
    });
  const nicsOn = (zhcp: string, userid: string) => systemOf(zhcp).guest(userid)?.nics ?? [];
  const belongsTo = (userid: string, zhcp: string) =>
    simulator.mn.tables.put('zvm', { node: userid.toLowerCase(), hcp: `${zhcp}.zvm.example`, userid });

  /** A running guest of the first member with a live port; the second would authorise it, too. */
  async function wired() {
    const number = next;
    next += 2;
    const userid = `LNX1${String(number).padStart(4, '0')}`;
    const port = portId(number);
    await first.run('attachNic', { userid, ports: [{ portId: port, vswitch: 'VSW1', network: vlan(100) }] });
    const grant = { vlans: [100], portType: 'ACCESS' as const, promiscuous: false, persist: true };
    systemOf('zhcp2').vswitches.get('VSW1')?.authorisations.set(userid, grant);
    return { userid, port };
  }

  async function reconcile(host: Environment, last?: ReconcileHostResult): Promise<ReconcileHostResult> {
    const from = last === undefined ? {} : { last: { checkpoint: last.checkpoint, failures: [] } };
    const input = { host: host.host, intervalSeconds: 1, sweepSeconds: 1, ...from };
    return (await startRun(host.client, 'reconcileHost', input)).result();
  }
  const linesAbout = (userid: string, { drifts, foreignLines, failures }: ReconcileHostResult) =>
    [...drifts, ...foreignLines, ...failures.map(({ reason }) => reason)].filter((line) => line.includes(userid));

  test('that runs on another member is in order there, for both hosts', async () => {
    const { userid } = await wired();
    const before = await reconcile(first);
    go(userid, 'zhcp1', 'zhcp2');
    expect(linesAbout(userid, await reconcile(first, before))).toEqual([]);
    expect(linesAbout(userid, await reconcile(second))).toEqual([]);
    expect(nicsOn('zhcp2', userid)).toMatchObject([{ vswitch: 'VSW1', vlans: [100] }]);
    expect(grantsOn('zhcp1', userid)).toEqual(['VSW1 100']);
  });

  test('is repaired on the member that runs it', async () => {
    const { userid } = await wired();
    const before = await reconcile(first);
    go(userid, 'zhcp1', 'zhcp2');
    for (const nic of nicsOn('zhcp2', userid)) nic.vswitch = null;
    const repaired = await reconcile(first, before);
    expect(linesAbout(userid, repaired)).toEqual([`NIC 1000 of ${userid} is not coupled to VSW1`]);
    expect(nicsOn('zhcp2', userid)).toMatchObject([{ vswitch: 'VSW1', vlans: [100] }]);
  });

  test('is shown by both hosts where it is', async () => {
    const { userid, port } = await wired();
    go(userid, 'zhcp1', 'zhcp2');
    const [own, others] = await Promise.all([first, second].map((host) => readHostView(host.client, host.host)));
    const guest = own?.guests.find((each) => each.userid === userid);
    expect(guest).toMatchObject({
      runsOn: 'zhcp2',
      drift: [],
      ports: [{ actual: { coupledTo: 'VSW1', vlans: [100] } }],
    });
    expect(others?.visitors).toContainEqual(expect.objectContaining({ userid, belongsTo: 'zhcp1', portIds: [port] }));
    expect(own?.capabilities?.ssi?.members).toEqual([
      { system: 'ZVM1', zhcp: 'zhcp1' },
      { system: 'ZVM2', zhcp: 'zhcp2' },
    ]);
    const shown = await readGuestView(first.client, first.host, userid);
    expect(shown).toMatchObject({ loggedOn: true, runsOn: 'zhcp2', steps: [], problems: [] });
  });

  test('keeps its grants on all members when it moves for good, and loses them all with its port', async () => {
    const { userid, port } = await wired();
    const before = await reconcile(first);
    go(userid, 'zhcp1', 'zhcp2');
    belongsTo(userid, 'zhcp2');
    await reconcile(second);
    const left = await reconcile(first, before);
    expect(left.failures.filter(({ reason }) => reason.includes(userid))).toEqual([]);
    expect(grantsOn('zhcp1', userid)).toEqual(['VSW1 100']);
    expect(nicsOn('zhcp2', userid)).toMatchObject([{ vswitch: 'VSW1', vlans: [100] }]);
    await second.run('deletePort', { userid, portId: port });
    expect([grantsOn('zhcp1', userid), grantsOn('zhcp2', userid)]).toEqual([[], []]);
    expect(nicsOn('zhcp2', userid)).toEqual([]);
  });

  test('that belongs to another member is changed by the host of that member alone', async () => {
    const { userid, port } = await wired();
    belongsTo(userid, 'zhcp2');
    await reconcile(first);
    expect(nicsOn('zhcp1', userid)).toMatchObject([{ vswitch: 'VSW1', vlans: [100] }]);
    for (const ask of [
      () => first.run('deletePort', { userid, portId: port }),
      () => first.run('changeVlan', { userid, portId: port, network: vlan(7) }),
    ])
      expect(await failureOf(ask())).toMatchObject({
        type: 'Refused',
        message: expect.stringContaining('send the request to the host of zhcp2'),
      });
    await second.run('changeVlan', { userid, portId: port, network: vlan(7) });
    expect(nicsOn('zhcp1', userid)).toMatchObject([{ vswitch: 'VSW1', vlans: [7] }]);
    expect([grantsOn('zhcp1', userid), grantsOn('zhcp2', userid)]).toEqual([['VSW1 7'], ['VSW1 7']]);
  });

  test('has one writer: the host that it has come to waits for the guest run of the one before', async () => {
    const { userid, port } = await wired();
    const hold = await first.hold({ path: '/nodes/zhcp1/dsh', command: 'Virtual_Network_Adapter_Disconnect' });
    const earlier = first.run('changeVlan', { userid, portId: port, network: vlan(7) });
    await hold.reached();
    belongsTo(userid, 'zhcp2');
    const later = second.run('changeVlan', { userid, portId: port, network: vlan(8) });
    const writer = guestWorkflowId(first.host, userid);
    await vi.waitUntil(async () => (await historyText(second, guestWorkflowId(second.host, userid))).includes(writer), {
      timeout: 100_000,
    });
    await hold.release();
    await Promise.all([earlier, later]);
    expect(nicsOn('zhcp1', userid)).toMatchObject([{ vswitch: 'VSW1', vlans: [8] }]);
    const vlans = (await first.events()).filter((event) => event.type === 'coupled' && event.userid === userid);
    expect(vlans.map((event) => String(event.vlans))).toEqual(['100', '7', '8']);
  });

  test('on a member that does not answer is left as it is until that answers', async () => {
    const { userid, port } = await wired();
    go(userid, 'zhcp1', 'zhcp2');
    await first.control('POST', 'systems/zhcp2/unreachable');
    const change = first.run('changeVlan', { userid, portId: port, network: vlan(9) });
    await vi.waitUntil(
      async () => (await historyText(first, guestWorkflowId(first.host, userid))).includes('no answer from zhcp2'),
      { timeout: 60_000 },
    );
    expect(nicsOn('zhcp2', userid)).toMatchObject([{ vswitch: 'VSW1', vlans: [100] }]);
    await first.control('POST', 'systems/zhcp2/reachable');
    await change;
    expect(nicsOn('zhcp2', userid)).toMatchObject([{ vswitch: 'VSW1', vlans: [9] }]);
  });
});

/** A run's history as text; empty before it begins. */
async function historyText({ client }: Environment, workflowId: string): Promise<string> {
  const history = await client.workflow
    .getHandle(workflowId)
    .fetchHistory()
    .catch(() => undefined);
  return JSON.stringify(history?.events ?? []);
}
