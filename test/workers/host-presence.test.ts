import { randomUUID } from 'node:crypto';
import { expect, inject, onTestFinished, test } from 'vitest';
import { connectClient, localTarget } from '../../client/temporal-connection.ts';
import { hostsOf, identityOf } from '../../client/worker-identity.ts';
import { bePresent } from '../../runtime/host/host-presence.ts';

test('the hosts of all workers are known, however many there are', async () => {
  const { client, close } = await connectClient(localTarget(inject('temporalAddress'), inject('temporalNamespace')));
  const ended = new AbortController();
  onTestFinished(async () => {
    ended.abort();
    await close();
  });
  const serverUrl = `https://${randomUUID()}.example`;
  const names = Array.from({ length: 24 }, (_, index) => `zvm${index}`);
  for (const host of names) {
    const system = { host, zhcpNode: `${host}-zhcp`, serverUrl };
    const since = new Date();
    const identity = identityOf(system, `1@${host}`, since);
    void bePresent(client, { ...system, process: `1@${host}`, since: since.toISOString(), identity }, ended.signal);
  }
  const zhcps = names.map((host) => `${host}-zhcp`);
  await expect.poll(async () => (await hostsOf(client, serverUrl, zhcps)).toSorted()).toEqual(names.toSorted());
});
