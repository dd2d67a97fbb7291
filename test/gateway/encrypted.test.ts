import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Connection } from '@temporalio/client';
import { expect, onTestFinished, test } from 'vitest';
import { findTemporalServer, startTemporalServer } from '../../temporal-config/dev-server/temporal-server.ts';
import { zvmnetJson } from '../cli/command.ts';
import { startPrograms, wirePort } from '../telemetry/programs.ts';

/** A Temporal server whose database is a file, and the variables for programs that use it with payload keys. */
async function encryptedServer() {
  const folder = await mkdtemp(join(tmpdir(), 'encrypted-'));
  const found = await findTemporalServer({ say: () => {}, env: { ...process.env, TEMPORAL_ADDRESS: '' } });
  if (found.kind === 'external') throw new Error('the test needs a server of its own');
  const databaseFile = join(folder, 'temporal.db');
  const server = await startTemporalServer({ binary: found.path, databaseFile, say: () => {} });
  onTestFinished(async () => {
    await server.stop();
    await rm(folder, { recursive: true });
  });
  const keys = join(folder, 'payload-keys');
  await writeFile(keys, `2026-11 ${randomBytes(32).toString('base64')}\n`, { mode: 0o600 });
  const database = async () => {
    const files = (await readdir(folder)).filter((name) => name.startsWith('temporal.db'));
    return Buffer.concat(await Promise.all(files.map((name) => readFile(join(folder, name)))));
  };
  const plain = { TEMPORAL_ADDRESS: server.address, TEMPORAL_NAMESPACE: server.namespace };
  return { server, database, plain, env: { ...plain, ZVM_PAYLOAD_KEYS_FILE: keys } };
}

/** The payloads of the first events of an operation, in the JSON of protobuf, as the Temporal UI reads and sends them. */
async function storedInput(address: string, namespace: string, workflowId: string) {
  const connection = await Connection.connect({ address });
  const { history } = await connection.workflowService.getWorkflowExecutionHistory({
    namespace,
    execution: { workflowId },
  });
  await connection.close();
  const [payload] = history?.events?.[0]?.workflowExecutionStartedEventAttributes?.input?.payloads ?? [];
  const text = (bytes: Uint8Array | null | undefined) => Buffer.from(bytes ?? []).toString('base64');
  const metadata = Object.entries(payload?.metadata ?? {}).map(([name, value]) => [name, text(value)]);
  return { metadata: Object.fromEntries(metadata), data: text(payload?.data) };
}

test('with payload keys the database holds nothing in clear but search terms, and who has the keys reads everything', async () => {
  const { server, database, plain, env } = await encryptedServer();
  const programs = await startPrograms(env);
  const { host, gatewayUrl, simulator } = programs;
  const reason = 'ticket CHG0042 of the wiring team';
  const wired = await wirePort(programs, 'LNX10001', { 'change-reason': reason });
  const operation = await wired.json();
  expect(operation).toMatchObject({ outcome: 'changed', origin: { reason } });
  const mac: string = operation.result.ports[0].mac;
  const failed = await fetch(`${gatewayUrl}/v1/hosts/${host}/guests/NOGUEST/ports/${crypto.randomUUID()}`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json', prefer: 'wait=110' },
    body: JSON.stringify({ vswitch: 'VSW1', network: { type: 'vlan', segmentationId: 100 } }),
  });
  expect(failed.status).toBeGreaterThanOrEqual(400);
  const { detail } = await failed.json();

  // Texts of answers, which stand in inputs, results, memos, summaries and failures.
  const secrets = [reason, mac, mac.replaceAll(':', ''), 'in the directory of LNX10001', String(detail).slice(0, 40)];
  const stored = await database();
  expect(stored.includes(host), 'the database is read').toBe(true);
  for (const secret of secrets) expect(stored.includes(secret), secret).toBe(false);

  const shown = await zvmnetJson(['ops', 'show', operation.id], env);
  expect(shown).toMatchObject({ origin: { reason }, result: { ports: [{ mac }] } });
  const blind = await zvmnetJson(['ops', 'show', operation.id], plain).catch(() => ({}));
  expect(JSON.stringify(blind)).not.toContain(mac);

  const payload = await storedInput(server.address, server.namespace, operation.id.replaceAll('~', '/'));
  expect(Buffer.from(payload.metadata.encoding, 'base64').toString()).toBe('binary/encrypted');
  const decode = (body: unknown, headers: Record<string, string> = {}) =>
    fetch(`${gatewayUrl}/codec/decode`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-namespace': server.namespace, ...headers },
      body: JSON.stringify(body),
    });
  const { payloads } = await (await decode({ payloads: [payload] })).json();
  expect(JSON.parse(Buffer.from(payloads[0].data, 'base64').toString())).toMatchObject({ userid: 'LNX10001', host });
  expect((await decode({ payloads: [payload] }, { 'x-namespace': 'other' })).status).toBe(404);
  expect((await decode({ payloads: 'none' })).status).toBe(400);
  const cut = { ...payload, data: payload.data.slice(0, 40) };
  expect((await decode({ payloads: [cut] })).status).toBe(422);
  expect(simulator.mn.systems[0]?.guest('LNX10001')).toBeDefined();
});

test('operations of before the keys go on with them', async () => {
  const { plain, env } = await encryptedServer();
  const before = await startPrograms(plain);
  const [earlier, id] = [await wirePort(before, 'LNX10001'), before.host];
  expect(earlier.status).toBe(200);
  const shown = async () => JSON.stringify(await zvmnetJson(['ops', 'list', '--host', id], env));
  await expect.poll(shown).toContain('LNX10001');
});
