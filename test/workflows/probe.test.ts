import { once } from 'node:events';
import { describe, expect, test, vi } from 'vitest';
import { takeSnapshot } from '../../simulator/control/snapshot.ts';
import { guestWorkflowId } from '../../temporal-config/names.ts';
import type { ProbeHostResult } from '../../workflows/probe-host.ts';
import { createEnvironment, type Environment, failureOf, hasHeardOfCancel, portId, vlan } from './environment.ts';
import { startRun } from './start.ts';
import { startWorker } from './worker-of-its-own.ts';

const SCRATCH = 'LNX10001';

const probe = async (zvm: Environment, more: object = {}): Promise<ProbeHostResult> =>
  (await startRun(zvm.client, 'probeHost', { host: zvm.host, userid: SCRATCH, ...more })).result();

/** The state of the simulated z/VM, without a number that counts up for ever. */
function stateOf({ simulator }: Environment) {
  const snapshot = takeSnapshot(simulator.mn);
  return { ...snapshot, systems: snapshot.systems.map((system) => ({ ...system, nextMacid: 0 })) };
}

const reconciled = async (zvm: Environment) =>
  (await startRun(zvm.client, 'reconcileHost', { host: zvm.host })).result();

describe('a probe', () => {
  test('answers its questions, leaves everything as it was, and its answers are the behaviour of the host', {
    timeout: 120_000,
  }, async ({ onTestFinished }) => {
    const zvm = await createEnvironment({ guests: 2, release: '7.4', regrant: 'keeps', vlanWinner: 'grant' });
    onTestFinished(() => zvm.close());
    const before = stateOf(zvm);
    const { report } = await probe(zvm, { mayLogOff: true });
    expect(report).toMatchObject({
      userid: SCRATCH,
      vswitch: 'ZVMPROBE',
      level: '7.4, service level 2401, network service Base',
      notAsked: [],
    });
    expect(report?.surprise).toBeUndefined();
    expect(report?.record.found).toMatchObject({ regrant: 'keeps', vlanWinner: 'grant', coupleReadsDirectory: true });
    expect(stateOf(zvm)).toEqual(before);
    const { capabilities } = await reconciled(zvm);
    expect(capabilities?.behaviour).toEqual(report?.record.found);
    expect(capabilities?.behaviourFrom).toEqual(report?.record.at);
  });

  test('dry says what it would do, and touches nothing', async ({ onTestFinished }) => {
    const zvm = await createEnvironment({ guests: 2, release: '7.4' });
    onTestFinished(() => zvm.close());
    const before = stateOf(zvm);
    const { report, steps, dryRun } = await probe(zvm, { dryRun: true, questions: ['regrant', 'loggedOff'] });
    expect({ report, dryRun }).toEqual({ report: undefined, dryRun: true });
    expect(steps).toEqual([
      `What does a second grant do to a coupled NIC? The probe grants ${SCRATCH} on ZVMPROBE, couples a new NIC, and grants it again`,
      `Which code tells that a guest is logged off? Not asked: ${SCRATCH} is logged on, and may not be logged off`,
    ]);
    expect(stateOf(zvm)).toEqual(before);
  });

  test('ends at the first surprise, and leaves everything as it was', async ({ onTestFinished }) => {
    const zvm = await createEnvironment({ guests: 2, release: '7.4' });
    onTestFinished(() => zvm.close());
    const before = stateOf(zvm);
    const couple = { function: 'Virtual_Network_Adapter_Connect_Vswitch', userid: SCRATCH, rc: 396, rs: 1234 };
    await zvm.control('POST', 'faults', { match: {}, action: { kind: 'smapi', ...couple, when: 'before' }, times: 1 });
    const { report } = await probe(zvm, { questions: ['informative', 'regrant', 'revoke'] });
    expect(report?.surprise).toMatchObject({ question: 'regrant', saw: expect.stringContaining('couple 396/1234') });
    expect(report?.answers.map(({ question }) => question)).toEqual(['informative']);
    expect(report?.record.found).toEqual({ informative: false });
    expect(stateOf(zvm)).toEqual(before);
  });

  test.each([
    ['with a recorded port', { userid: 'LNX10003' }, /has 1 recorded port/],
    ['with a NIC of an administrator', { userid: 'LNX10005' }, /has NICs: 0B00/],
    ['that does not exist', { userid: 'NOBODY' }, /NOBODY/],
    ['on a VSWITCH that does not exist', { vswitch: 'NOSUCH' }, /no VSWITCH NOSUCH/],
  ])('is refused on a guest %s, before anything is touched', async (_name, more, reason) => {
    const zvm = await createEnvironment({ guests: 6, release: '7.4' });
    try {
      await zvm.run('createPort', { userid: 'LNX10003', portId: portId(1), vswitch: 'VSW1', network: vlan(100) });
      await zvm.control('POST', 'systems/zhcp1/guests/LNX10005/directory', { statements: ['NICDEF 0B00 TYPE QDIO'] });
      const before = stateOf(zvm);
      expect(await failureOf(probe(zvm, more))).toMatchObject({
        type: 'Refused',
        message: expect.stringMatching(reason),
      });
      expect(stateOf(zvm)).toEqual(before);
    } finally {
      await zvm.close();
    }
  });

  test('goes on with another worker when its own is killed in the middle of a question', {
    timeout: 300_000,
  }, async (context) => {
    const zvm = await createEnvironment({ guests: 2, release: '7.4' }, false);
    context.onTestFinished(() => zvm.close());
    const before = stateOf(zvm);
    const killed = await startWorker(zvm, context);
    const granted = await zvm.hold({ method: 'PUT', path: '/dsh', command: 'Adapter_Connect_Vswitch' }, 'after');
    const ended = probe(zvm, { questions: ['nicdefUpdate', 'regrant', 'revoke'] });
    ended.catch(() => undefined);
    await granted.reached();
    expect((await zvm.guest(SCRATCH)).nics).not.toEqual([]);
    killed.kill('SIGKILL');
    await once(killed, 'exit');
    await granted.release();
    await startWorker(zvm, context);
    const { report } = await ended;
    expect(report?.record.found).toEqual({ nicdefUpdate: 'conflict', regrant: 'reexecute', revoke: 'keeps' });
    expect(stateOf(zvm)).toEqual(before);
  });

  test('that is cancelled puts everything back', { timeout: 120_000 }, async ({ onTestFinished }) => {
    const zvm = await createEnvironment({ guests: 2, release: '7.4' });
    onTestFinished(() => zvm.close());
    const before = stateOf(zvm);
    const couple = await zvm.hold({ method: 'PUT', path: '/dsh', command: 'Adapter_Connect_Vswitch' }, 'after');
    const run = await startRun(zvm.client, 'probeHost', { host: zvm.host, userid: SCRATCH, questions: ['regrant'] });
    await couple.reached();
    await run.cancel();
    const guest = guestWorkflowId(zvm.host, SCRATCH);
    await vi.waitUntil(() => hasHeardOfCancel(zvm.client, guest), { timeout: 90_000 });
    await couple.release();
    await expect(run.result()).rejects.toThrow();
    expect(stateOf(zvm)).toEqual(before);
  });

  test('lets no other operation at its guest until it has ended', { timeout: 120_000 }, async ({ onTestFinished }) => {
    const zvm = await createEnvironment({ guests: 2, release: '7.4' });
    onTestFinished(() => zvm.close());
    const couple = await zvm.hold({ method: 'PUT', path: '/dsh', command: 'Adapter_Connect_Vswitch' }, 'after');
    const probed = probe(zvm, { questions: ['regrant'] });
    await couple.reached();
    const created = zvm.run('createPort', { userid: SCRATCH, portId: portId(1), vswitch: 'VSW1', network: vlan(100) });
    const { seq } = (await zvm.events()).at(-1) ?? { seq: 0 };
    await couple.release();
    await Promise.all([probed, created]);
    const after = await zvm.events(seq);
    const deleted = after.findIndex(({ type }) => type === 'vswitch-deleted');
    const written = after.findIndex(({ type }) => type === 'nicdef-added' || type === 'entry-replaced');
    expect(deleted).toBeGreaterThanOrEqual(0);
    expect(written).toBeGreaterThan(deleted);
  });
});

describe('the answers of a probe', () => {
  test('survive the worker, and its result in Temporal, and are forgotten with the level of z/VM', {
    timeout: 300_000,
  }, async (context) => {
    const zvm = await createEnvironment({ guests: 2, release: '7.4' }, false);
    context.onTestFinished(() => zvm.close());
    const first = await startWorker(zvm, context);
    await probe(zvm, { questions: ['nicdefUpdate'] });
    const { checkpoint } = await reconciled(zvm);
    first.kill('SIGKILL');
    await once(first, 'exit');
    await startWorker(zvm, context);
    // The result of the probe itself is found again too; the checkpoint alone has to do after Temporal's retention.
    const carried = await (
      await startRun(zvm.client, 'reconcileHost', { host: zvm.host, last: { checkpoint, failures: [] } })
    ).result();
    expect(carried.capabilities?.behaviour).toEqual({ nicdefUpdate: 'conflict' });
    await zvm.control('POST', 'systems/zhcp1/behaviour', { release: '7.5' });
    await zvm.control('POST', 'systems/zhcp1/ipl');
    const later = await reconciled(zvm);
    expect(later.capabilities?.behaviour).toBeUndefined();
    expect(later.findings).toContainEqual(expect.stringMatching(/answers of a probe.*7\.4.*7\.5.*probe it again/));
  });
});
