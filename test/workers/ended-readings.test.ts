import { expect, test } from 'vitest';
import { readGuestView, readHostView, readVswitches } from '../../client/read-state.ts';
import { taskQueueOf } from '../../domain/host/host.ts';
import { HostName } from '../../domain/text/identifiers.ts';
import { deleteEndedReadings } from '../../runtime/host/ended-readings.ts';
import { createEnvironment, portId, vlan } from '../workflows/environment.ts';

/** Runs that a worker starts by itself. */
const BESIDES = ['probeWorker', 'reconcileHost', 'hostControl'];

test('readings that ended well leave the list of runs; operations and failed readings stay', async () => {
  const zvm = await createEnvironment({ guests: 2 });
  try {
    const { client, host } = zvm;
    await zvm.run('createPort', { userid: 'LNX10001', portId: portId(1), vswitch: 'VSW1', network: vlan(100) });
    await Promise.all([
      readHostView(client, host),
      readGuestView(client, host, 'LNX10001'),
      readVswitches(client, host),
      expect(readGuestView(client, host, 'NOSUCH')).rejects.toThrow(),
    ]);
    const listed = async () => {
      const runs: string[] = [];
      const query = `TaskQueue = "${taskQueueOf(HostName.parse(host))}"`;
      for await (const { type, status } of client.workflow.list({ query }))
        if (!BESIDES.includes(type)) runs.push(`${type} ${status.name}`);
      return runs.sort();
    };
    const stay = ['convergeGuest COMPLETED', 'createPort COMPLETED', 'showGuest FAILED'];
    await expect
      .poll(listed)
      .toEqual([...stay, 'listVswitches COMPLETED', 'showGuest COMPLETED', 'showHost COMPLETED'].sort());
    await deleteEndedReadings(client, host, 60_000);
    expect(await listed()).toHaveLength(6);
    await deleteEndedReadings(client, host, 0);
    await expect.poll(listed).toEqual(stay);
  } finally {
    await zvm.close();
  }
});
