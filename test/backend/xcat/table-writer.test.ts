import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { createXcatClient, type XcatClient } from '../../../backend/xcat/rest/client.ts';
import type { TableWrite } from '../../../backend/xcat/tables/table-writer.ts';
import { type Simulator, startSimulator } from '../../../simulator/simulator.ts';

let simulator: Simulator;
let client: XcatClient;
const warnings: string[] = [];
beforeAll(async () => {
  simulator = await startSimulator({ hosts: 1, guests: 1, release: '6.3' });
  const options = {
    username: 'admin',
    password: 'admin',
    timeoutMs: 10_000,
    verifyTls: true,
    credentialsInQuery: false,
  };
  client = createXcatClient({ url: simulator.url, ...options, onWarning: (warning) => void warnings.push(warning) });
});
afterAll(async () => {
  await client.close();
  await simulator.close();
});
beforeEach(() => {
  simulator.mn.tables.replace('switch', []);
  simulator.mn.tables.replace('mac', []);
});

const port = (number: number, more: object = {}): TableWrite => ({
  kind: 'insert',
  table: 'switch',
  values: { node: `os${number}`, switch: 'VSW1', port: `p-${number}`, vlan: '7', ...more },
});
const mac = (number: number): TableWrite => ({
  kind: 'insert',
  table: 'mac',
  values: { node: `os${number}`, mac: `02:00:00:00:00:01!os${number}-1000|second` },
});

async function calls(work: () => Promise<unknown>): Promise<string[]> {
  const events = async () =>
    ((await (await fetch(`${simulator.url}/simulator/events?since=0`)).json()) as Record<string, string>[]).filter(
      ({ type }) => type === 'http',
    );
  const before = (await events()).length;
  await work();
  return (await events()).slice(before).map(({ method, path }) => `${method} ${path}`);
}

test('writes of a lone caller go by REST, those to different tables side by side', async () => {
  const made = await calls(() => client.tableWriter.write([port(1), mac(1)]));
  expect(made.sort()).toEqual(['PUT /xcatws/tables/mac', 'PUT /xcatws/tables/switch']);
  expect(simulator.mn.tables.list('mac')).toMatchObject([{ node: 'os1', mac: '02:00:00:00:00:01!os1-1000|second' }]);
});

test('writes of many callers that wait together go in one script', async () => {
  await client.managementNode();
  const made = await calls(() =>
    Promise.all(Array.from({ length: 200 }, (_, index) => client.tableWriter.write([port(index), mac(index)]))),
  );
  expect(made).toEqual(['PUT /xcatws/nodes/xcat/dsh']);
  expect(simulator.mn.tables.list('switch')).toHaveLength(200);
  expect(simulator.mn.tables.list('mac')).toHaveLength(200);
});

test('one row that xCAT refuses fails its caller alone', async () => {
  simulator.mn.tables.replace('switch', [{ node: 'os3', switch: 'VSW1', port: 'p-3', vlan: '9' }]);
  const settled = await Promise.allSettled(
    Array.from({ length: 10 }, (_, index) => client.tableWriter.write([port(index)])),
  );
  expect(settled.map(({ status }) => status).filter((status) => status === 'rejected')).toHaveLength(1);
  expect(settled[3]).toMatchObject({ status: 'rejected', reason: { code: 'conflict', message: /UNIQUE/ } });
  expect(simulator.mn.tables.list('switch')).toHaveLength(10);
});

test('one caller’s writes to a table are carried out in order, in a script too', async () => {
  const inOrder = (number: number): TableWrite[] => [
    port(number),
    { kind: 'set', table: 'switch', key: { node: `os${number}`, port: `p-${number}` }, values: { vlan: '8' } },
    { kind: 'delete', table: 'switch', key: { node: `os${number}`, vlan: '8' } },
    port(number, { vlan: '9' }),
  ];
  await Promise.all([1, 2, 3].map((number) => client.tableWriter.write(inOrder(number))));
  expect(simulator.mn.tables.list('switch').map(({ vlan }) => vlan)).toEqual(['9', '9', '9']);
});

test('a value that xCAT would split is refused before anything is sent', async () => {
  const wrong: TableWrite = { kind: 'set', table: 'switch', key: { node: 'os1' }, values: { vlan: '7 switch.vlan=8' } };
  const made = await calls(() =>
    expect(client.tableWriter.write([port(1), wrong])).rejects.toMatchObject({ code: 'refused' }),
  );
  expect(made).toEqual([]);
});

test('a caller who gives up leaves the others alone', async () => {
  const signal = AbortSignal.abort(new Error('gone'));
  const others = [1, 2, 3].map((number) => client.tableWriter.write([port(number)]));
  await expect(client.tableWriter.write([port(9)], { signal })).rejects.toThrow('gone');
  await Promise.all(others);
  expect(simulator.mn.tables.list('switch')).toHaveLength(3);
});

test('without a shell on the management node rows are written one by one, with one warning', async () => {
  simulator.mn.tables.remove('hosts', (row) => row.get('node') === 'xcat');
  simulator.mn.tables.put('hosts', { node: 'nosuch', ip: '10.1.0.2' });
  const options = {
    username: 'admin',
    password: 'admin',
    timeoutMs: 10_000,
    verifyTls: true,
    credentialsInQuery: false,
  };
  const other = createXcatClient({
    url: simulator.url,
    ...options,
    onWarning: (warning) => void warnings.push(warning),
  });
  warnings.length = 0;
  for (const start of [0, 20])
    await Promise.all(Array.from({ length: 10 }, (_, index) => other.tableWriter.write([port(start + index)])));
  await other.close();
  expect(simulator.mn.tables.list('switch')).toHaveLength(20);
  expect(warnings.filter((warning) => warning.includes('row by row'))).toHaveLength(1);
});
