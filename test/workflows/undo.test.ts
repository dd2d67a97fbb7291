import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { describeOperation, type OperationDetails } from '../../client/operations.ts';
import { startOperation, workflowIdFor } from '../../client/start-operation.ts';
import { type UndoOptions, undoOf } from '../../client/undo.ts';
import type { OperationType } from '../../domain/operations/operations.ts';
import { RESULTS } from '../../domain/operations/results.ts';
import { restoreSnapshot, type Snapshot, takeSnapshot } from '../../simulator/control/snapshot.ts';
import { operationIdOf } from '../../temporal-config/names.ts';
import { createEnvironment, type Environment, FLAT, portId, vlan } from './environment.ts';
import { startRun } from './start.ts';

const userid = 'LNX10001';
const other = 'LNX10002';
const port = (number: number, id: number, more: object = {}) => ({
  ...{ portId: portId(number), vswitch: 'VSW1', network: vlan(id) },
  ...more,
});

describe('an operation is undone:', () => {
  let zvm: Environment;
  let fresh: Snapshot;
  beforeAll(async () => {
    zvm = await createEnvironment({ guests: 3, release: '7.4' });
    fresh = takeSnapshot(zvm.simulator.mn);
  });
  beforeEach(() => restoreSnapshot(zvm.simulator.mn, fresh));
  afterAll(() => zvm.close());

  /** An operation at its end. */
  const ended = async (type: OperationType, input: object): Promise<OperationDetails> => {
    const run = await startRun(zvm.client, type, { host: zvm.host, ...input });
    await run.result();
    return found(run.workflowId);
  };
  const found = async (workflowId: string): Promise<OperationDetails> => {
    const operation = await describeOperation(zvm.client, operationIdOf(workflowId));
    if (operation === undefined) throw new Error(`there is no ${workflowId}`);
    return operation;
  };
  /** The undo of an operation, at its end, whatever that is. */
  const undone = async (operation: OperationDetails, options: Partial<UndoOptions> = {}): Promise<OperationDetails> => {
    const way = undoOf(operation, { dryRun: false, force: false, ...options });
    if ('impossible' in way) throw new Error(way.impossible);
    const workflowId = workflowIdFor(way.request);
    await startOperation(zvm.client, way.request, { workflowId });
    await zvm.client.workflow
      .getHandle(workflowId)
      .result()
      .catch(() => undefined);
    return found(workflowId);
  };
  /** All that an operator sees of guests, by NIC: their records, directory entries and live NICs. */
  const seen = async (...userids: string[]) =>
    Promise.all(
      userids.map(async (each) => {
        const { rows, directory, nics, granted } = await zvm.guest(each);
        const live = nics.map(({ vdev, vswitch, vlans, mac }) => ({ vdev, vswitch, vlans, mac }));
        return [...rows, ...directory, ...live, granted].map((part) => JSON.stringify(withoutNothing(part))).sort();
      }),
    );
  // An empty column and an absent one are the same.
  const withoutNothing = (part: object) =>
    Object.fromEntries(
      Object.entries(part)
        .filter(([, value]) => value !== null)
        .toSorted(([one], [other]) => (one < other ? -1 : 1)),
    );

  const base = { userid, ports: [port(1, 1001), port(2, 1002)] };
  test.each<[string, OperationType, object]>([
    ['a created port goes', 'createPort', { userid, ...port(3, 1003) }],
    ['a deleted port comes back, with MAC and vdev, live', 'deletePort', { userid, portId: portId(1) }],
    ['a port is on its VLAN again', 'changeVlan', { userid, portId: portId(1), network: vlan(2001) }],
    ['a port is on its VSWITCH again', 'changeVlan', { userid, portId: portId(1), network: FLAT, vswitch: 'VSWFLAT' }],
    ['an attached new port goes', 'attachNic', { userid, ports: [port(3, 1003)] }],
    ['a detached NIC is live again', 'detachNic', { userid, portIds: [portId(1), portId(2)] }],
    ['a port that was set down is up', 'setAdminState', { userid, portId: portId(1), adminStateUp: false }],
    ['ports of a guest are as they were', 'setPorts', { userid, ports: [port(1, 2001), port(3, 1003)], live: true }],
  ])('%s', async (_what, type, input) => {
    await ended('attachNic', base);
    const before = await seen(userid);
    const operation = await ended(type, input);
    expect(await seen(userid)).not.toEqual(before);
    const back = await undone(operation);
    expect(back).toMatchObject({ state: 'completed', outcome: 'changed', undoes: operation.id, userid });
    expect(back.summary).toContain(`undo of ${operation.id}`);
    expect(await seen(userid)).toEqual(before);
    // An undo is an operation: it has a way back, too.
    const after = await undone(back);
    expect(after).toMatchObject({ state: 'completed', outcome: 'changed' });
    expect(await seen(userid)).not.toEqual(before);
  });

  test('all guests of a bulk operation go back, and one that has changed since keeps them all from it', async () => {
    const ports = [
      { userid, ...port(1, 1001) },
      { userid: other, ...port(2, 1002) },
      { userid: other, ...port(3, 1003) },
    ];
    const before = await seen(userid, other);
    const wired = await ended('wirePorts', { ports, live: true });
    await ended('changeVlan', { userid: other, portId: portId(3), network: vlan(2003) });
    const since = await seen(userid, other);
    const refused = await undone(wired);
    expect(refused).toMatchObject({
      outcome: 'refused',
      failure: {
        refusals: [
          { field: 'undoes', reason: expect.stringMatching(/VLAN 2003, up; the operation left it .*VLAN 1003/) },
        ],
      },
    });
    expect(await seen(userid, other)).toEqual(since);

    const planned = await undone(wired, { dryRun: true });
    const { plan = '', changedSince, effect } = RESULTS.ports.parse(planned.result);
    expect({ changedSince, effect }).toMatchObject({
      changedSince: [expect.stringContaining(portId(3))],
      effect: 'interrupts',
    });
    expect(
      await undone(wired, { onlyIf: { plan: plan.replace(/^./, (first) => (first === '0' ? '1' : '0')) } }),
    ).toMatchObject({ outcome: 'refused' });
    // A caller that names the plan has seen it.
    expect(await undone(wired, { onlyIf: { plan } })).toMatchObject({ outcome: 'changed' });
    expect(await seen(userid, other)).toEqual(before);
  });

  test('a guest that has drifted since is told, and taken back by force', async () => {
    await ended('attachNic', base);
    const before = await seen(userid);
    const operation = await ended('changeVlan', { userid, portId: portId(1), network: vlan(2001) });
    const [system] = zvm.simulator.mn.systems;
    const guest = system?.guest(userid);
    const nic = guest?.nics.find(({ vdev }) => vdev === '1003');
    if (system === undefined || guest === undefined || nic === undefined) throw new Error('there is no such NIC');
    system.uncouple(guest, nic, 'an administrator');
    expect(await undone(operation)).toMatchObject({
      outcome: 'refused',
      failure: { refusals: [{ reason: expect.stringContaining(`${userid} has drifted`) }] },
    });
    expect(await undone(operation, { force: true })).toMatchObject({ outcome: 'changed' });
    expect(await seen(userid)).toEqual(before);
  });

  test.each<[OperationType, RegExp]>([
    ['modernizeGuest', /grants/],
    ['reconcileHost', /record/],
  ])('what cannot be taken back is told: %s', (type, reason) => {
    const operation = {
      id: 'x',
      runId: 'y',
      type,
      host: 'zvm1',
      portIds: [],
      state: 'completed' as const,
      startedAt: '',
    };
    expect(undoOf(operation, { dryRun: false, force: false })).toMatchObject({
      impossible: expect.stringMatching(reason),
    });
  });

  const onVswitch = (type: OperationType, before?: object) => {
    const result = { changed: true, steps: ['…'], ...(before === undefined ? {} : { before }) };
    const ended = { id: 'vswitch~zvm1~VSW1', runId: 'y', type, host: 'zvm1', portIds: [], startedAt: '', result };
    return undoOf({ ...ended, state: 'completed' as const, outcome: 'changed' }, { dryRun: false, force: false });
  };
  const was = {
    name: 'VSW1',
    transport: 'ETHERNET',
    vlanAware: true,
    portSelection: 'USERBASED',
    rdevs: ['1F00', '1F03'],
  };

  test('a VSWITCH that was deleted is made again with its real devices, one that was made is deleted', () => {
    expect(onVswitch('deleteVswitch', was)).toMatchObject({
      request: { type: 'ensureVswitch', input: { vswitch: 'VSW1', hadRdevs: was.rdevs, undoes: 'vswitch~zvm1~VSW1' } },
    });
    expect(onVswitch('ensureVswitch', { name: 'VSW1' })).toMatchObject({
      request: { type: 'deleteVswitch', input: { vswitch: 'VSW1', force: false } },
    });
  });

  test('uplinks that the configuration names are told as they were, and left; so is what an earlier version did', () => {
    expect(onVswitch('ensureVswitch', was)).toMatchObject({
      impossible: expect.stringContaining('1F00, 1F03 before it'),
    });
    expect(onVswitch('deleteVswitch')).toMatchObject({ impossible: expect.stringContaining('earlier version') });
    expect(onVswitch('changeVlan')).toMatchObject({ impossible: expect.stringContaining('earlier version') });
  });
});
