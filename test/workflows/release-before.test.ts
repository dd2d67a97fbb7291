import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { WorkflowHandle } from '@temporalio/client';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { currentBuild, deploymentOf } from '../../runtime/host/worker-build.ts';
import { ZVM_OUTCOME } from '../../temporal-config/search-attributes.ts';
import { type Program, startProgram } from '../program.ts';
import { iniOf } from '../temporal-server/production-server.ts';
import { createEnvironment, type Environment, portId, vlan } from './environment.ts';
import { installRelease, missingRelease } from './release-before.ts';
import { startRun } from './start.ts';

const DEPLOYMENT = join(import.meta.dirname, '../../docs/deployment.md');
const READING = { command: 'Virtual_Network_Vswitch_Query' };
const GUESTS = 40;
/** Of the port of the first guest, in the whole test. */
const VLAN_CHANGES = 8;
/** Each guest of the load gets one port. */
const LOAD_MS = 400;
const SOON = { timeout: 90_000, interval: 300 };
const LONGEST_MS = 300_000;

let folder: string;
let missing: string | undefined;
beforeAll(async () => {
  missing = await missingRelease();
  if (missing !== undefined) process.stderr.write(`NOT TESTED: the upgrade from the release before: ${missing}\n`);
  folder = await mkdtemp(join(tmpdir(), 'release-before-'));
  if (missing === undefined) await installRelease(join(folder, 'before'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

type Started = { run: WorkflowHandle; build: string };

/** Ports for one guest after the other, each by an operation of its own, until it is ended. */
function load(zvm: Environment, next: () => number, build: () => string) {
  const started: Started[] = [];
  const ended = new AbortController();
  const going = (async () => {
    for (let number = next(); !ended.signal.aborted && number <= GUESTS; number = next()) {
      const userid = `LNX1${String(number).padStart(4, '0')}`;
      const request = { host: zvm.host, userid, portId: portId(number), vswitch: 'VSW1', network: vlan(number) };
      started.push({ build: build(), run: await startRun(zvm.client, 'createPort', request) });
      await sleep(LOAD_MS, undefined, { signal: ended.signal }).catch(() => undefined);
    }
  })();
  return async () => {
    ended.abort();
    await going;
    return started;
  };
}

/** The builds that a run has gone on with: the one of each of its tasks. */
async function buildsOf(run: WorkflowHandle): Promise<Set<string>> {
  const { events } = await run.fetchHistory();
  const builds = (events ?? []).map(
    ({ workflowTaskCompletedEventAttributes: task }) => task?.deploymentVersion?.buildId ?? '',
  );
  return new Set(builds.filter((build) => build !== ''));
}

test('the release before is upgraded under load and gone back to: no operation fails, each ends on the build that it began with, nothing is done twice', {
  timeout: LONGEST_MS,
}, async ({ skip }) => {
  if (missing !== undefined) skip(missing);
  const zvm = await createEnvironment({ guests: GUESTS }, false);
  onTestFinished(() => zvm.close());
  const { client, host } = zvm;
  const ini = join(folder, 'zvm.ini');
  const own = iniOf(zvm.simulator.url, 'polling_interval = 3600\n').replace('zvm_host = zvm1', `zvm_host = ${host}`);
  await writeFile(ini, own);
  const upgrade = { before: join(folder, 'before/workers/worker.ts'), now: 'workers/worker.ts' };
  const current = () => currentBuild(client, host).then((build) => build ?? '');
  /** A worker that has become the current one, and its build. */
  const serve = async (release: keyof typeof upgrade, other = ''): Promise<[Program, string]> => {
    const worker = startProgram(upgrade[release], ['--config-file', ini], { ZVM_STATE_DIRECTORY: folder });
    await expect.poll(current, { ...SOON, message: worker.said() }).not.toBe(other);
    return [worker, await current()];
  };
  const changeVlan = (id: number) =>
    startRun(client, 'changeVlan', {
      ...{ host, userid: 'LNX10001', portId: portId(1), network: vlan(id) },
    });
  const isQueued = ({ workflowId }: WorkflowHandle) =>
    expect
      .poll(
        async () => (await client.workflow.getHandle(workflowId).describe()).typedSearchAttributes.get(ZVM_OUTCOME),
        SOON,
      )
      .toBe('waiting');
  const [, query = ''] = /workflow count --query '([^']+)'/.exec(await readFile(DEPLOYMENT, 'utf8')) ?? [];
  /** As an operator counts the runs that keep to a build. */
  const openOn = async (build: string) =>
    (
      await client.workflow.count(
        query
          .replaceAll('networking-zvm/<host>', deploymentOf(host))
          .replaceAll('<host>', host)
          .replace('<old>', build),
      )
    ).count;
  const runs: Started[] = [];
  let number = 1;
  const next = () => ++number;

  /** From a worker that serves to one of the other release, in the middle of operations; answers the new one and its build. */
  const change = async (from: Program, build: string, to: keyof typeof upgrade, vlans: [number, number, number]) => {
    let serving = build;
    const endLoad = load(zvm, next, () => serving);
    const held = await zvm.hold(READING);
    const inProgress = await changeVlan(vlans[0]);
    await held.reached();
    const queued = await changeVlan(vlans[1]);
    await isQueued(queued);
    runs.push({ run: inProgress, build }, { run: queued, build });
    // Meanwhile operations may begin with either.
    serving = '';
    const [worker, after] = await serve(to, build);
    serving = after;
    const behind = await changeVlan(vlans[2]);
    runs.push({ run: behind, build: after });
    await isQueued(behind);
    await held.release();
    await Promise.all([inProgress, queued, behind].map((run) => run.result()));
    const loaded = await endLoad();
    await Promise.all(loaded.map(({ run }) => run.result()));
    runs.push(...loaded);
    await expect.poll(() => openOn(build), SOON).toBe(0);
    expect(await from.end('SIGTERM'), from.said()).toBe(0);
    expect((await zvm.guest('LNX10001')).granted.VSW1).toEqual([vlans[2]]);
    return [worker, after] as const;
  };

  const [before, old] = await serve('before');
  await zvm.run('createPort', { userid: 'LNX10001', portId: portId(1), vswitch: 'VSW1', network: vlan(1) });
  const [now, ours] = await change(before, old, 'now', [201, 202, 203]);
  expect(ours).not.toBe(old);
  const alone = await changeVlan(204);
  await alone.result();
  runs.push({ run: alone, build: ours });
  const [again, back] = await change(now, ours, 'before', [205, 206, 207]);
  expect(back).toBe(old);
  const last = await changeVlan(208);
  await last.result();
  runs.push({ run: last, build: old });
  expect(await again.end('SIGTERM'), again.said()).toBe(0);

  const builds = await Promise.all(runs.map(async ({ run, build }) => ({ build, ran: [...(await buildsOf(run))] })));
  expect(builds.filter(({ ran }) => ran.length !== 1)).toEqual([]);
  expect(builds.filter(({ build, ran }) => build !== '' && ran[0] !== build)).toEqual([]);
  expect(new Set(builds.map(({ ran }) => ran[0]))).toEqual(new Set([old, ours]));
  // Ports that are not live: no step of one of them is carried out a second time.
  const written = (await zvm.events())
    .filter(({ type, argv }) => type === 'smcli' && Array.isArray(argv) && !/Query|Status/.test(String(argv[0])))
    .map(({ argv }) => JSON.stringify(argv));
  expect(written.length).toBeGreaterThan(number);
  // Each change of the VLAN takes the grant before away, by the same words.
  const isRevoke = (argv: string) => argv.includes('revoke_userid=LNX10001');
  expect(written.filter(isRevoke)).toHaveLength(VLAN_CHANGES);
  expect(written.filter((argv, index) => !isRevoke(argv) && written.indexOf(argv) !== index)).toEqual([]);
});
