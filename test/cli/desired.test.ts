import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { callsTo } from '../../bench/calls.ts';
import { fillHost, guestsFor } from '../../bench/wired-host.ts';
import { type Simulator, startSimulator } from '../../simulator/simulator.ts';
import { createEnvironmentOn, type Environment, FLAT, portId, vlan } from '../workflows/environment.ts';
import { ROOT, startOnTerminal, zvmnet } from './command.ts';

/** NEWVSW is configured, and z/VM has none. */
const physicalNetworks = ['VSW1', 'NEWVSW'].map((vswitch) => ({
  ...{ name: `net${vswitch}`, vswitch, flat: false, vlanRanges: [{ from: 1, to: 4094 }] },
  ...{ rdevs: [], portSelection: 'USERBASED' as const, transport: 'ETHERNET' as const },
}));

let simulator: Simulator;
let one: Environment;
let two: Environment;
let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'zvmnet-'));
  simulator = await startSimulator({ hosts: 2, guests: 12, release: '6.3' });
  [one, two] = [await createEnvironmentOn(simulator, 1), await createEnvironmentOn(simulator, 2, { physicalNetworks })];
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

test('the JSON schema for editors is that of the example', async () => {
  const { out } = await zvmnet(['schema']);
  const kept = await readFile(join(ROOT, 'docs/examples/gitops/desired-state.schema.json'), 'utf8');
  expect(JSON.parse(out)).toEqual(JSON.parse(kept));
  expect(out).toContain('segmentationId');
});

test('a file with mistakes ends with 2, before any host is asked', async () => {
  const path = await file('wrong.json', hostOf(one, { LNX10001: [port(1, 5_000)] }));
  const { code, err } = await zvmnet(['diff', '-f', path], { TEMPORAL_ADDRESS: '127.0.0.1:1' });
  expect(code).toBe(2);
  expect(err).toContain('wrong.json, line 1: guests.0.ports.0.network.segmentationId: must be 1 to 4094');
});

const apply = (path: string, ...args: string[]) => zvmnet(['apply', '-f', path, ...args]);
const recorded = async (environment: Environment, userid: string) =>
  (await environment.guest(userid)).rows.map(({ port: id, vlan: of }) => [id, of]).toSorted();
const planIn = (out: string) => /--plan ([0-9a-f]{32})/.exec(out)?.[1] ?? '';

test('a file of two hosts is planned, carried out, and then nothing is left to do', async () => {
  const path = await file(
    'two.json',
    hostOf(one, { LNX10009: [port(10, 100), port(11, 100, { vdev: '1010' })], LNX10003: [port(12, 200)] }),
    hostOf(two, { LNX20001: [port(20, 300)] }),
  );
  const dry = await apply(path, '--live', '--dry-run');
  expect(dry.code).toBe(6);
  expect(dry.out).toContain('grant LNX20001 on VSW1 with VLAN 300');
  expect(await recorded(one, 'LNX10009')).toEqual([]);

  expect(await apply(path, '--live', '--plan', planIn(dry.out))).toMatchObject({ code: 0 });
  expect((await one.guest('LNX10009')).granted).toEqual({ VSW1: [100] });
  expect((await one.guest('LNX10009')).nics.map(({ vdev }) => vdev)).toContain('1010');
  expect((await two.guest('LNX20001')).granted).toEqual({ VSW1: [300] });

  expect(await apply(path, '--dry-run')).toMatchObject({
    code: 0,
    out: expect.stringContaining('Everything is as the file says.'),
  });
});

test('a changed VLAN is planned as an interruption, and a plan that was overtaken is not carried out', async () => {
  await one.run('attachNic', { userid: 'LNX10011', ports: [port(30, 100)] });
  const path = await file('vlan.json', hostOf(one, { LNX10011: [port(30, 101)] }));
  const dry = await apply(path, '--dry-run');
  expect(dry).toMatchObject({ code: 6, out: expect.stringContaining('interrupts a live NIC') });
  expect(dry.out).toContain('network VLAN 100 → VLAN 101');
  await one.run('changeVlan', { userid: 'LNX10011', portId: portId(30), network: vlan(102) });
  const late = await apply(path, '--plan', planIn(dry.out));
  expect(late).toMatchObject({ code: 3, out: expect.stringContaining('The plan has changed') });
  expect((await one.guest('LNX10011')).granted).toEqual({ VSW1: [102] });
  expect((await apply(path)).code).toBe(0);
  expect((await one.guest('LNX10011')).granted).toEqual({ VSW1: [101] });
});

test('prune deletes ports that the file does not name, after a yes, and leaves NICs of others', async () => {
  await two.run('attachNic', { userid: 'LNX20003', ports: [port(42, 100)] });
  for (const number of [40, 41]) await two.run('createPort', { userid: 'LNX20002', ...port(number, 100) });
  const [{ guests, ...host }] = JSON.parse((await zvmnet(['export', '--host', two.host, '--json'])).out);
  const path = await file('prune.json', {
    ...host,
    guests: guests
      .filter(({ userid }: { userid: string }) => userid !== 'LNX20003')
      .map((guest: { ports: { portId: string }[] }) => ({
        ...guest,
        ports: guest.ports.filter((each) => each.portId !== portId(41)),
      })),
  });
  expect(await apply(path, '--dry-run')).toMatchObject({
    code: 0,
    out: expect.stringContaining('2 ports are not in the file'),
  });
  expect(await apply(path, '--prune')).toMatchObject({
    code: 2,
    err: expect.stringContaining('2 ports would be deleted'),
  });
  expect(await recorded(two, 'LNX20002')).toHaveLength(2);
  expect((await apply(path, '--prune', '--yes')).code).toBe(0);
  expect(await recorded(two, 'LNX20002')).toEqual([[portId(40), '100']]);
  expect(await recorded(two, 'LNX20003')).toEqual([]);
});

test('one refusal, and nothing is changed on any guest', async () => {
  const path = await file(
    'refused.json',
    hostOf(one, { LNX10005: [port(50, 100)], LNX10006: [port(51, 100, { vswitch: 'XCATVSW1' })] }),
  );
  const refused = await apply(path);
  expect(refused.code).toBe(3);
  expect(refused.out).toContain('ports.0.vswitch');
  expect(await recorded(one, 'LNX10005')).toEqual([]);
});

test('a change of a file is an operation of the person who applied it, with the reason', async () => {
  const path = await file('origin.json', hostOf(one, { LNX10007: [port(60, 100)] }));
  const env = { ZVMNET_USER: 'pipeline 17', ZVMNET_REASON: 'merge request 4711' };
  const { changes } = JSON.parse((await zvmnet(['apply', '-f', path, '--json'], env)).out);
  expect(changes).toMatchObject([
    {
      type: 'setPorts',
      subject: 'LNX10007',
      operation: { state: 'completed', origin: { by: 'pipeline 17', via: 'zvmnet', reason: 'merge request 4711' } },
    },
  ]);
});

test('a VSWITCH that is missing is made before the ports on it', async () => {
  const ports = [port(70, 100, { vswitch: 'NEWVSW' })];
  const path = await file('vswitch.json', { ...hostOf(two, { LNX20005: ports }), vswitches: [{ vswitch: 'NEWVSW' }] });
  const dry = await apply(path, '--live', '--dry-run');
  expect(dry).toMatchObject({ code: 6, out: expect.stringContaining('after VSWITCH NEWVSW is made') });
  expect((await apply(path, '--live', '--plan', planIn(dry.out))).code).toBe(0);
  expect((await two.guest('LNX20005')).granted).toEqual({ NEWVSW: [100] });
  expect((await apply(path, '--dry-run')).code).toBe(0);
});

test('a terminal is asked before ports are deleted, and nobody who says nothing deletes any', async () => {
  await one.run('createPort', { userid: 'LNX10010', ...port(80, 100) });
  const path = await file('asked.json', hostOf(one, {}));
  const asked = startOnTerminal(['apply', '-f', path, '--prune']);
  await asked.told('ports? (yes/no)');
  asked.interrupt();
  await asked.ended;
  expect(await recorded(one, 'LNX10010')).toHaveLength(1);
});

test('an exported host of 1,000 ports plans nothing, for the calls of one reading', async () => {
  const many = await startSimulator({ hosts: 1, guests: guestsFor(1_000) });
  fillHost(many, 1_000);
  const full = await createEnvironmentOn(many, 1);
  try {
    const path = join(folder, 'many.yaml');
    const { out } = await zvmnet(['export', '--host', full.host]);
    await writeFile(path, out);
    expect(out.match(/portId/g)).toHaveLength(1_000);
    const before = (await callsTo(many.url)).length;
    expect(await apply(path, '--prune')).toMatchObject({
      code: 0,
      out: expect.stringContaining('Everything is as the file says.'),
    });
    expect((await callsTo(many.url)).length - before).toBeLessThanOrEqual(10);
  } finally {
    await full.close();
    await many.close();
  }
});
