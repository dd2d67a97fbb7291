import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Simulator, startSimulator } from '../../simulator/simulator.ts';
import { createEnvironmentOn, type Environment, FLAT, portId, vlan } from '../workflows/environment.ts';
import { zvmnet } from './command.ts';

let simulator: Simulator;
let one: Environment;
let two: Environment;
let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'zvmnet-'));
  simulator = await startSimulator({ hosts: 2, guests: 12 });
  [one, two] = [await createEnvironmentOn(simulator, 1), await createEnvironmentOn(simulator, 2)];
});
afterAll(async () => {
  await Promise.all([one.close(), two.close()]);
  await simulator.close();
  await rm(folder, { recursive: true });
});

type Guests = Record<string, Record<string, unknown>[]>;
const port = (number: number, segmentationId: number, more = {}) => ({
  ...{ portId: portId(number), vswitch: 'VSW1', network: vlan(segmentationId) },
  ...more,
});
const hostOf = ({ host }: Environment, guests: Guests) => ({
  host,
  guests: Object.entries(guests).map(([userid, ports]) => ({ userid, ports })),
});

/** A file of desired state. */
async function file(name: string, ...hosts: object[]): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, JSON.stringify(hosts));
  return path;
}

test('an exported host differs from its file in nothing, and a changed one in what was changed', async () => {
  await one.run('attachNic', {
    userid: 'LNX10001',
    ports: [port(1, 100), port(2, 100, { network: FLAT, vswitch: 'VSWFLAT' })],
  });
  const exported = await zvmnet(['export', '--host', one.host]);
  expect(exported).toMatchObject({ code: 0, err: '' });
  expect(exported.out).toContain('network: { type: vlan, segmentationId: 100 }');
  const path = join(folder, 'exported.yaml');
  await writeFile(path, exported.out);
  expect(await zvmnet(['diff', '--prune', '-f', path])).toMatchObject({
    code: 0,
    out: `${one.host}: as the file says\n`,
  });
  await one.run('changeVlan', { userid: 'LNX10001', portId: portId(1), network: vlan(101) });
  const changed = await zvmnet(['diff', '-f', path]);
  expect(changed).toMatchObject({ code: 6, out: expect.stringContaining('network VLAN 101 → VLAN 100') });
  await one.run('deletePort', { userid: 'LNX10001', portId: portId(1) });
  await one.run('deletePort', { userid: 'LNX10001', portId: portId(2) });
});

test('the JSON schema for editors knows the fields of a port', async () => {
  const { out } = await zvmnet(['schema']);
  expect(JSON.stringify(JSON.parse(out))).toContain('segmentationId');
});

test('a file with mistakes ends with 2, before any host is asked', async () => {
  const path = await file('wrong.json', hostOf(one, { LNX10001: [port(1, 5_000)] }));
  const { code, err } = await zvmnet(['diff', '-f', path], { TEMPORAL_ADDRESS: '127.0.0.1:1' });
  expect(code).toBe(2);
  expect(err).toContain('wrong.json, line 1: guests.0.ports.0.network.segmentationId: must be 1 to 4094');
});
