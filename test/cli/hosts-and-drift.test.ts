import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { hostNames } from '../../client/known-hosts.ts';
import { ensureReconcileSchedule } from '../../runtime/host/reconcile-schedule.ts';
import { reconcileScheduleId } from '../../temporal-config/names.ts';
import { wayToTemporal } from '../way-to-temporal.ts';
import { createEnvironment, type Environment, portId } from '../workflows/environment.ts';
import { ROOT, start, zvmnet, zvmnetJson } from './command.ts';

let environment: Environment;
let env: Record<string, string> = {};
let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'zvmnet-'));
  environment = await createEnvironment({ guests: 12 });
  env = { ZVMNET_HOST: environment.host };
  await makeKnown(environment.host);
});
afterAll(async () => {
  await environment.client.schedule.getHandle(reconcileScheduleId(environment.host)).delete();
  await environment.close();
  await rm(folder, { recursive: true });
});

/** Temporal lists a host by its Schedule, which takes a moment. */
async function makeKnown(host: string): Promise<void> {
  await ensureReconcileSchedule(environment.client, host, { intervalSeconds: 3_600, sweepSeconds: 3_600 });
  await vi.waitUntil(async () => (await hostNames(environment.client)).some((name) => name === host), {
    timeout: 90_000,
  });
}

const run = (...args: string[]) => zvmnet(args, env);
const json = (...args: string[]) => zvmnetJson(args, env);
const entry = (number: number, userid: string, segmentationId: number) => ({
  userid,
  portId: portId(number),
  vswitch: 'VSW1',
  network: { type: 'vlan', segmentationId },
});

test('hosts are shown with their workers and their reconciliation', async () => {
  const { hosts } = await json('hosts');
  expect(hosts).toContainEqual({
    host: environment.host,
    workers: 1,
    reconciliation: expect.objectContaining({ paused: false, everySeconds: 3_600 }),
    capabilities: null,
    found: null,
    hold: null,
  });
  expect((await run('reconcile', 'pause', '--note', 'maintenance')).code).toBe(0);
  expect((await run('hosts')).out).toMatch(new RegExp(`${environment.host} .*paused: maintenance`));
  expect(await json('reconcile', 'resume')).toMatchObject({ reconciliation: { paused: false } });
});

test('a probe names its questions, and shows their answers', async () => {
  const asked = ['host', 'probe', environment.host, '--guest', 'LNX10011', '--question', 'nicdefUpdate', 'loggedOff'];
  const dry = await run(...asked, '--dry-run');
  expect(dry.out).toContain(
    'What does a NICDEF for a device do that has one? The probe defines a NIC in the directory',
  );
  expect(dry.out).toContain('Not asked: LNX10011 is logged on, and may not be logged off');
  const { code, out } = await run(...asked, '--yes');
  expect(code).toBe(0);
  expect(out).toMatch(/What does a NICDEF for a device do that has one\?\s+it is refused, 404\/4/);
  expect(await json(...asked, '--yes')).toMatchObject({
    type: 'probeHost',
    result: { report: { record: { found: { nicdefUpdate: 'conflict' } } } },
  });
});

test('a surprise of a probe is 1', async () => {
  const action = { kind: 'smapi', function: 'Image_Definition_Update_DM', userid: 'LNX10011', rc: 596, rs: 1234 };
  await environment.control('POST', 'faults', { match: {}, action: { ...action, when: 'before' }, times: 1 });
  const { code, out } = await run('host', 'probe', '--guest', 'LNX10011', '--question', 'nicdefUpdate', '--yes');
  expect(out).toContain('a surprise, which ended the probe: first 596/1234');
  expect(code).toBe(1);
});

test('hosts are shown with what the last reconciliation has read of z/VM', async () => {
  await environment.client.schedule.getHandle(reconcileScheduleId(environment.host)).trigger();
  const release = async () => {
    const { hosts } = await json('hosts');
    return hosts.find(({ host }: { host: string }) => host === environment.host)?.capabilities?.release;
  };
  await expect.poll(release, { timeout: 90_000 }).toEqual({ state: 'known', value: '6.3', from: 'z/VM' });
  const { out } = await run('hosts');
  expect(out).toMatch(new RegExp(`^${environment.host} +6\\.3 +absent +1 `, 'm'));
  expect(out).toContain('SMAPI level V6.3, smcli xcat');
});

test('a file of ports is imported, and imported again nothing is left to do', async () => {
  const file = join(folder, 'ports.json');
  const ports = [1, 2, 3, 4].map((number) => entry(number, `LNX1000${number}`, 100 + number));
  await writeFile(file, JSON.stringify([...ports, { ...entry(5, 'LNX10005', 100), vswitch: 'NOSUCH' }]));
  const report = join(folder, 'report.csv');
  const planned = await run('import', file, '--live', '--dry-run');
  expect(planned).toMatchObject({ code: 3, out: expect.stringContaining('4 would be wired') });
  expect((await environment.guest('LNX10003')).rows).toEqual([]);
  const first = await run('import', file, '--live', '--report', report);
  expect(first.code).toBe(3);
  expect(first.err).toContain('5/5 ports');
  expect(first.out).toContain('4 wired, 0 wired before, 1 refused, 0 failed');
  expect(first.out).toMatch(new RegExp(`${portId(5)} +LNX10005 .*refused .*NOSUCH`));
  expect((await environment.guest('LNX10003')).granted).toEqual({ VSW1: [103] });
  const lines = (await readFile(report, 'utf8')).trim().split('\n');
  expect(lines[0]).toBe('host,userid,portId,outcome,vdev,mac,reason');
  expect(lines).toHaveLength(6);
  expect(await json('import', file, '--live')).toMatchObject({ wired: 0, unchanged: 4, refused: 1 });
});

test('a file with mistakes is named with all of them, and nothing is started', async () => {
  const file = join(folder, 'bad.csv');
  await writeFile(
    file,
    [
      'userid,portId,vswitch,segmentationId,mac',
      `LNX10001,${portId(21)},VSW1,5000,`,
      `TOOLONGNAME,${portId(22)},VSW1,100,`,
      `LNX10001,${portId(23)},VSW1,100,01:00:5e:00:00:01`,
    ].join('\n'),
  );
  const { code, err } = await run('import', file);
  expect(code).toBe(2);
  expect(err).toContain('the import was not started');
  expect(err).toMatch(/line 2: segmentationId/);
  expect(err).toMatch(/line 3: userid/);
  expect(err).toMatch(/line 4: mac/);
  expect((await run('import', join(ROOT, 'docs/examples/ports.csv'), '--check')).code).toBe(0);
});

test('a report that cannot be written is told before anything is wired', async () => {
  const file = join(folder, 'unreported.json');
  const text = JSON.stringify([entry(51, 'LNX10011', 100)]);
  await writeFile(file, text);
  const missing = join(folder, 'no-such-folder', 'report.json');
  for (const report of [missing, folder, file])
    expect(await run('import', file, '--report', report)).toMatchObject({
      code: 2,
      err: expect.stringMatching(new RegExp(`--report ${report} .*The import was not started`)),
    });
  expect((await environment.guest('LNX10011')).rows).toEqual([]);
  expect(await readFile(file, 'utf8')).toBe(text);
});

test('when a report fails at the end, what became of the ports is told all the same, and the import has failed', async () => {
  const file = join(folder, 'unreported.json');
  await writeFile(file, JSON.stringify([entry(52, 'LNX10012', 100)]));
  const { code, out, err } = await run('import', file, '--report', '/dev/full');
  expect(out).toContain('1 wired, 0 wired before, 0 refused, 0 failed');
  expect(out).not.toContain('report:');
  expect(err).toContain('--report /dev/full could not be written: ENOSPC');
  expect(code).toBe(1);
  expect((await environment.guest('LNX10012')).rows).toHaveLength(1);
  expect(await json('import', file, '--report', '/dev/full')).toMatchObject({
    unchanged: 1,
    ports: [{ portId: portId(52) }],
  });
});

test('a file in the form of Neutron: only its own hosts are read, and all of its mistakes are told', async () => {
  const { client, host } = environment;
  const drained = `${host}-drained`;
  await makeKnown(drained);
  const file = join(folder, 'neutron.json');
  const example = await readFile(join(ROOT, 'docs/examples/neutron-ports.json'), 'utf8');
  const of = (zvm1: string, zvm2: string) => example.replaceAll('zvm1', zvm1).replaceAll('zvm2', zvm2);
  try {
    await writeFile(file, of(host, host));
    expect(await run('import', file, '--check')).toMatchObject({ code: 0 });
    await writeFile(file, of(host, drained));
    expect(await run('import', file, '--check')).toMatchObject({ code: 5, err: expect.stringContaining(drained) });
    await writeFile(file, of(host, 'elsewhere').replace('"dns_name": "lnx20001"', '"dns_name": "toolongname"'));
    const { code, err } = await run('import', file, '--check');
    expect(code).toBe(2);
    expect(err).toMatch(/binding:host_id: physical network physnet1 has no VSWITCH on host elsewhere/);
    expect(err).toMatch(/userid: must be a z\/VM userid/);
  } finally {
    await client.schedule.getHandle(reconcileScheduleId(drained)).delete();
  }
});

test('an import that is left by Ctrl-C goes on, and started again is seen through and reported as the file has it', async () => {
  const file = join(folder, 'left.json');
  const report = join(folder, 'left-report.json');
  await writeFile(file, JSON.stringify([entry(32, 'LNX10010', 100), entry(31, 'LNX10009', 100)]));
  await environment.control('POST', 'systems/zhcp1/guests/LNX10010/lock');
  const running = start(['import', file, '--report', report], env);
  await running.told('wire-ports');
  running.interrupt();
  expect(await running.ended).toMatchObject({ code: 130, err: expect.stringContaining('continue') });
  expect(existsSync(report)).toBe(false);
  // The second port of the file is done first.
  await expect.poll(async () => (await environment.guest('LNX10009')).rows).toHaveLength(1);
  await environment.control('POST', 'systems/zhcp1/guests/LNX10010/unlock');
  const again = await json('import', file, '--report', report);
  expect(again).toMatchObject({ refused: 0, failed: 0 });
  expect(JSON.parse(await readFile(report, 'utf8'))).toMatchObject([{ userid: 'LNX10010' }, { userid: 'LNX10009' }]);
  expect((await environment.guest('LNX10010')).rows).toHaveLength(1);
});

test('drift ends with 6, a dry run says what would be done, and reconciliation repairs it', async () => {
  expect((await run('drift')).code).toBe(0);
  const system = environment.simulator.mn.systems[0];
  const vswitch = system?.vswitch('VSW1');
  if (system === undefined || vswitch === undefined) throw new Error('no VSW1');
  system.revoke(vswitch, 'LNX10001');
  const drift = await run('drift');
  expect(drift).toMatchObject({ code: 6, out: expect.stringContaining('LNX10001 is not authorised on VSW1') });
  expect((await json('port', 'list', '--drifted')).ports).toMatchObject([{ userid: 'LNX10001' }]);
  const dry = await run('reconcile', '--dry-run');
  expect(dry).toMatchObject({ code: 6, out: expect.stringContaining('would grant LNX10001 on VSW1') });
  const repaired = await run('reconcile');
  expect(repaired).toMatchObject({ code: 0, out: expect.stringContaining('1 repaired') });
  expect((await run('drift')).code).toBe(0);
  expect(await json('reconcile')).toMatchObject({ outcome: 'unchanged' });
  const outcomes = async (...more: string[]) =>
    (await json('ops', 'list', '--type', 'reconcileHost', ...more)).operations.map(
      (each: { outcome?: string }) => each.outcome,
    );
  // The newest changes take a moment to be found.
  await expect.poll(() => outcomes('--idle')).toEqual(expect.arrayContaining(['changed', 'unchanged']));
  expect(await outcomes()).toContain('changed');
  expect(await outcomes()).not.toContain('unchanged');
});

test('--watch goes on showing reconciliations until Ctrl-C', async () => {
  const running = start(['reconcile', '--watch'], env);
  await running.told('Watching');
  const system = environment.simulator.mn.systems[0];
  const vswitch = system?.vswitch('VSW1');
  if (system === undefined || vswitch === undefined) throw new Error('no VSW1');
  system.revoke(vswitch, 'LNX10003');
  expect((await run('reconcile')).code).toBe(0);
  await running.told('LNX10003 is not authorised on VSW1');
  running.interrupt();
  expect((await running.ended).code).toBe(0);
});

/** A module that is loaded before a program so that its clock is an hour fast. */
const HOUR_FAST = `const { now } = Date;
const later = () => now() + 3_600_000;
globalThis.Date = class extends Date {
  constructor(...given) {
    super(...(given.length === 0 ? [later()] : given));
  }
  static now() {
    return later();
  }
};`;

test('--watch shows them also where the clock is not that of Temporal', async () => {
  const fast = `--import data:text/javascript,${encodeURIComponent(HOUR_FAST)}`;
  const running = start(['reconcile', '--watch', '--json'], { ...env, NODE_OPTIONS: fast });
  await running.told('Watching');
  const { id } = await zvmnetJson(['reconcile'], env);
  await running.told(id);
  running.interrupt();
  expect((await running.ended).code).toBe(0);
});

test('--watch goes on when Temporal is back', async () => {
  const way = await wayToTemporal();
  const running = start(['reconcile', '--watch', '--json'], { ...env, TEMPORAL_ADDRESS: way.address });
  await running.told('Watching');
  way.goes();
  await running.told('is retried');
  way.comesBack();
  const { id } = await zvmnetJson(['reconcile'], env);
  await running.told(id);
  running.interrupt();
  expect((await running.ended).code).toBe(0);
  way.goes();
});

test('without a worker a host cannot be read, and what is asked for or cancelled waits: that is said', async () => {
  const { client } = environment;
  const host = `${environment.host}-drained`;
  await makeKnown(host);
  try {
    const { code, err } = await zvmnet(['port', 'list', '--host', host]);
    expect(code).toBe(5);
    expect(err).toContain(`zvm-${host}`);
    const asked = ['vswitch', 'ensure', 'VSW1', '--host', host, '--no-wait'];
    const { id } = await zvmnetJson(asked);
    const cancelling = start(['ops', 'cancel', id]);
    await cancelling.told(`${host} has no worker`);
    cancelling.interrupt();
    expect((await cancelling.ended).code).toBe(130);
    await client.workflow.getHandle(`vswitch/${host}/VSW1`).terminate();
  } finally {
    await client.schedule.getHandle(reconcileScheduleId(host)).delete();
  }
});

test('a host that Temporal does not know is 4, and nothing is started for it', async () => {
  const create = ['port', 'create', '--guest', 'LNX10001', '--vswitch', 'VSW1', '--vlan', '100'];
  for (const args of [['port', 'list'], create]) {
    const { code, err } = await zvmnet([...args, '--host', 'zvm-never-seen']);
    expect(code).toBe(4);
    expect(err).toContain(`zvm-never-seen`);
    expect(err).toContain(environment.host);
  }
  expect((await zvmnetJson(['ops', 'list', '--host', 'zvm-never-seen'])).operations).toEqual([]);
  const file = join(folder, 'elsewhere.json');
  await writeFile(file, JSON.stringify([{ ...entry(40, 'LNX10001', 100), host: 'zvm-never-seen' }]));
  expect((await zvmnet(['import', file])).code).toBe(4);
});
