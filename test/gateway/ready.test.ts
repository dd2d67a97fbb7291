import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, onTestFinished, test } from 'vitest';
import { connectClient, localTarget } from '../../client/temporal-connection.ts';
import { serveGateway } from '../../runtime/gateway/server.ts';
import { findTemporalServer, startTemporalServer } from '../../temporal-config/dev-server/temporal-server.ts';

/** A gateway before a Temporal server of its own, whose database the test can reach. */
async function gatewayBeforeOwnServer() {
  const folder = await mkdtemp(join(tmpdir(), 'ready-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const say = () => {};
  const found = await findTemporalServer({ say, env: { ...process.env, TEMPORAL_ADDRESS: '' } });
  if (found.kind === 'external') throw new Error('a server that is not of this test');
  const databaseFile = join(folder, 'temporal.db');
  const server = await startTemporalServer({ binary: found.path, databaseFile, say });
  onTestFinished(() => server.stop());
  const { client, close } = await connectClient(localTarget(server.address, server.namespace));
  onTestFinished(close);
  const { namespace } = server;
  const gateway = await serveGateway(
    { client, namespace, hosts: [], tokens: undefined, log: () => {} },
    { host: '127.0.0.1', port: 0 },
  );
  onTestFinished(() => gateway.close());
  const readyz = async () => {
    const answer = await fetch(`${gateway.url}/readyz`);
    return { status: answer.status, body: JSON.stringify(await answer.json()) };
  };
  return { client, databaseFile, readyz, namespace };
}

const SOON = { timeout: 90_000, interval: 500 };

test('a gateway is ready as long as Temporal accepts changes, and what it asks leaves nothing', async () => {
  const { client, readyz } = await gatewayBeforeOwnServer();
  expect(await readyz()).toEqual({ status: 200, body: '{"status":"ready"}' });
  const listed = async () => {
    const ids: string[] = [];
    for await (const { workflowId } of client.workflow.list()) ids.push(workflowId);
    return ids;
  };
  await expect.poll(listed, SOON).toEqual([]);
});

test('a namespace that is gone makes it unready, with the reason', async () => {
  const { client, readyz, namespace } = await gatewayBeforeOwnServer();
  await client.connection.operatorService.deleteNamespace({ namespace });
  await expect.poll(async () => (await readyz()).status, SOON).toBe(503);
  expect((await readyz()).body).toContain('not-ready');
});

test('a database that can be read, but takes nothing, as that of a full disk, makes it unready until it does again', async () => {
  const { databaseFile, readyz } = await gatewayBeforeOwnServer();
  const other = new DatabaseSync(databaseFile);
  onTestFinished(() => other.close());
  other.exec('PRAGMA busy_timeout = 30000; BEGIN IMMEDIATE');
  await expect.poll(async () => (await readyz()).status, SOON).toBe(503);
  expect((await readyz()).body).toContain('Temporal does not accept changes');
  other.exec('ROLLBACK');
  await expect.poll(async () => (await readyz()).status, SOON).toBe(200);
});
