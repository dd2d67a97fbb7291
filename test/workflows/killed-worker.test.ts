import { once } from 'node:events';
import { expect, test } from 'vitest';
import { createEnvironment, portId, vlan } from './environment.ts';
import { startRun } from './start.ts';
import { startWorker } from './worker-of-its-own.ts';

/** A running guest for each operation; all but the first two have a live port on VLAN 100 before it. */
const OPERATIONS = [
  {
    type: 'createPort',
    number: 1,
    change: { vswitch: 'VSW1', network: vlan(100) },
    nics: [],
    vlans: [100],
    prepared: false,
  },
  { type: 'attachNic', number: 3, change: {}, nics: ['VSW1'], vlans: [100], prepared: false },
  { type: 'changeVlan', number: 5, change: { network: vlan(200) }, nics: ['VSW1'], vlans: [200], prepared: true },
  { type: 'setAdminState', number: 7, change: { adminStateUp: false }, nics: [null], vlans: [100], prepared: true },
  { type: 'detachNic', number: 9, change: {}, nics: [], vlans: [100], prepared: true },
  { type: 'deletePort', number: 11, change: {}, nics: [], vlans: undefined, prepared: true },
] as const;

/** Rows that wait together are read or written by one script on the management node (backend/xcat/tables/table-writer.ts). */
const byScript = (command: string) => ({ method: 'PUT', path: '/dsh', command: `/opt/xcat/sbin/${command}` });
const written = (table: string) => [
  { method: 'PUT', path: `/tables/${table}` },
  byScript('tabch'),
  byScript('tabrestore'),
];

/** Where the worker dies: while it reads, writes the tables, configures z/VM; before and after xCAT has done what was asked. */
const STEPS = [
  { name: 'reading', matches: [{ method: 'GET', path: '/tables/switch' }, byScript('tabdump')] },
  { name: 'writing the switch table', matches: written('switch') },
  { name: 'writing the mac table', matches: written('mac') },
  { name: 'configuring z/VM', matches: [{ method: 'PUT', path: '/dsh', command: '_DM' }] },
  { name: 'changing the running guest', matches: [{ method: 'PUT', path: '/dsh', command: 'Adapter_' }] },
].flatMap((step) => (['before', 'after'] as const).map((when) => ({ ...step, when })));

function inputOf({ type, change }: (typeof OPERATIONS)[number], id: string): Record<string, unknown> {
  if (type === 'attachNic') return { ports: [{ portId: id, vswitch: 'VSW1', network: vlan(100) }] };
  if (type === 'detachNic') return { portIds: [id] };
  return { portId: id, ...change };
}

// Most of the time goes by until Temporal takes a dead worker's activities for lost: several tests wait for it at once.
for (const { name, matches, when } of STEPS)
  test.concurrent(`a worker killed while ${name}, ${when} xCAT has done it, is taken over by another and every guest ends right`, {
    timeout: 300_000,
  }, async (context) => {
    const zvm = await createEnvironment({ guests: 12 }, false);
    context.onTestFinished(() => zvm.close());
    const guests = OPERATIONS.map((operation) => ({
      ...{ operation, id: portId(operation.number) },
      userid: `LNX1${String(operation.number).padStart(4, '0')}`,
    }));
    const killed = await startWorker(zvm, context);
    await Promise.all(
      guests
        .filter(({ operation }) => operation.prepared)
        .map(({ userid, id }) =>
          zvm.run('attachNic', { userid, ports: [{ portId: id, vswitch: 'VSW1', network: vlan(100) }] }),
        ),
    );
    const step = await zvm.hold(matches, when);
    const running = Promise.all(
      guests.map(({ operation, userid, id }) => zvm.run(operation.type, { userid, ...inputOf(operation, id) })),
    );
    running.catch(() => undefined);
    await step.reached();
    killed.kill('SIGKILL');
    await once(killed, 'exit');
    await step.release();
    await startWorker(zvm, context);
    // Each has changed something, also where the answer died with the worker.
    expect((await running).map(({ changed }) => changed)).toEqual(OPERATIONS.map(() => true));
    for (const { operation, userid } of guests) {
      const guest = await zvm.guest(userid);
      expect({
        type: operation.type,
        nics: guest.nics.map((nic) => nic.vswitch ?? null),
        vlans: guest.granted.VSW1,
      }).toEqual({
        type: operation.type,
        nics: operation.nics,
        vlans: operation.vlans,
      });
      expect(guest.rows).toHaveLength(operation.type === 'deletePort' ? 0 : 1);
      expect(guest.directory).toHaveLength(operation.type === 'deletePort' ? 0 : 1);
    }
  });

test('a bulk operation that is cancelled after its worker was killed takes its guests back to what they had before', {
  timeout: 300_000,
}, async (context) => {
  const zvm = await createEnvironment({ guests: 3 }, false);
  context.onTestFinished(() => zvm.close());
  const killed = await startWorker(zvm, context);
  const userids = ['LNX10001', 'LNX10002'];
  const wire = (first: number, vlanOf: number) =>
    startRun(zvm.client, 'wirePorts', {
      host: zvm.host,
      ports: userids.map((userid, index) => ({
        ...{ userid, portId: portId(first + index), vswitch: 'VSW1', network: vlan(vlanOf) },
      })),
    } as never);
  await (await wire(1, 7)).result();
  const granted = await zvm.hold({ command: '_DM' }, 'after');
  const run = await wire(3, 7);
  await granted.reached();
  killed.kill('SIGKILL');
  await once(killed, 'exit');
  await granted.release();
  await run.cancel();
  await startWorker(zvm, context);
  await expect(run.result()).rejects.toMatchObject({ cause: { name: 'CancelledFailure' } });
  for (const userid of userids) {
    const guest = await zvm.guest(userid);
    expect(guest.directory.map(({ vdev }) => vdev)).toEqual(['1000']);
    expect(guest.granted).toEqual({ VSW1: [7] });
    expect(guest.rows).toHaveLength(1);
  }
});
