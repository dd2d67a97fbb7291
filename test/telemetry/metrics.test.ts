import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { startPrograms, wirePort } from './programs.ts';
import { hasPrometheus, hastened, startPrometheus } from './prometheus.ts';

const FOLDER = join(import.meta.dirname, '../../observability');
const run = promisify(execFile);
const rules = await readFile(join(FOLDER, 'prometheus/alerts.yaml'), 'utf8');
const dashboard = JSON.parse(await readFile(join(FOLDER, 'grafana/networking-zvm.json'), 'utf8'));

const textOf = async (url: string) => (await fetch(url)).text();

test('a worker measures its calls, its commands by lane and code, its runs, and the SDK', async () => {
  const programs = await startPrograms();
  const answer = await wirePort(programs, 'LNX10001');
  expect(answer.status, await answer.text()).toBe(200);
  const { host, metricsUrl } = programs;
  await expect.poll(() => textOf(metricsUrl)).toContain('type="createPort"');
  const text = await textOf(metricsUrl);
  const numberOf = (name: string, ...labels: string[]) => {
    const line = text
      .split('\n')
      .find((each) => each.startsWith(`${name}{`) && labels.every((one) => each.includes(one)));
    return Number(line?.split(' ').at(-1));
  };
  const ofHost = `host="${host}"`;
  expect(
    numberOf('zvm_calls_total', ofHost, 'kind="PUT /nodes/*/dsh"', 'outcome="ok"', 'server="xCAT"'),
  ).toBeGreaterThan(1);
  expect(numberOf('zvm_call_duration_seconds_count', ofHost, 'kind="GET /tables"')).toBeGreaterThan(1);
  expect(
    numberOf('zvm_commands_total', ofHost, 'code="212/8"', 'function="Virtual_Network_Adapter_Query"'),
  ).toBeGreaterThan(0);
  expect(numberOf('zvm_command_duration_seconds_count', ofHost, 'lane="directory"')).toBe(1);
  expect(numberOf('zvm_command_duration_seconds_count', ofHost, 'lane="smapi"')).toBeGreaterThan(1);
  expect(numberOf('zvm_runs_ended_total', ofHost, 'outcome="changed"', 'type="createPort"')).toBe(1);
  expect(numberOf('temporal_worker_task_slots_available', 'worker_type="WorkflowWorker"')).toBeGreaterThan(0);
  expect(text).not.toContain('LNX10001');
  if (hasPrometheus) expect((await checkedByPromtool(text)).stderr).not.toContain('error');
});

/** promtool's opinion on what its own clients would do; the SDK's names are the SDK's. */
async function checkedByPromtool(text: string): Promise<{ stderr: string }> {
  const own = text.split('\n').filter((line) => /zvm_/.test(line));
  const running = run('promtool', ['check', 'metrics']);
  running.child.stdin?.end(`${own.join('\n')}\n`);
  return running;
}

test.runIf(hasPrometheus)(
  'each alert fires by promtool on its cause, and not on the ordinary case beside it',
  async () => {
    const cwd = join(FOLDER, 'prometheus');
    await run('promtool', ['check', 'config', '--syntax-only', 'prometheus.yaml'], { cwd });
    const { stdout } = await run('promtool', ['test', 'rules', 'alerts.test.yaml'], { cwd });
    expect(stdout).toContain('SUCCESS');
    const names: string[] = parse(rules).groups.flatMap(({ rules: all }: { rules: { alert: string }[] }) =>
      all.map(({ alert }) => alert),
    );
    const tested = (await readFile(join(cwd, 'alerts.test.yaml'), 'utf8')).match(/(?<=alertname=")\w+/g);
    expect(tested).toEqual(names);
    const described = await readFile(join(import.meta.dirname, '../../docs/observability.md'), 'utf8');
    expect(names.filter((name) => !described.includes(`| \`${name}\``))).toEqual([]);
  },
);

test.runIf(hasPrometheus)(
  'alerts fire in a real Prometheus when xCAT is away, operations fail, and the worker ends',
  async () => {
    const programs = await startPrograms();
    const { metricsUrl, gatewayUrl, simulator, worker } = programs;
    const { firing, query } = await startPrometheus(
      { 'zvm-worker': metricsUrl, 'zvm-gateway': gatewayUrl },
      hastened(rules),
    );
    expect((await wirePort(programs, 'LNX10001')).status).toBe(200);
    for (const { targets } of dashboard.panels)
      for (const { expr } of targets) {
        const { status, error } = await query(expr.replaceAll('$host', '.*'));
        expect(status, `${expr}: ${error}`).toBe('success');
      }
    // The machine of the tests may be too busy for its worker.
    expect([...(await firing())].filter((name) => name !== 'ZvmWorkerStarved')).toEqual([]);
    await simulator.close();
    void wirePort(programs, 'LNX10002', { prefer: 'wait=1' });
    await expect.poll(firing).toContain('ZvmServerUnreachable');
    await worker.end('SIGKILL');
    await expect.poll(firing).toContain('ZvmWorkerDown');
  },
);

test('dashboard and alerts name only metrics that programs have', async () => {
  const programs = await startPrograms();
  await wirePort(programs, 'LNX10001');
  await fetch(`${programs.gatewayUrl}/v1/hosts/${programs.host}/guests`);
  const told = `${await textOf(programs.metricsUrl)}\n${await textOf(`${programs.gatewayUrl}/metrics`)}`;
  const expressions: string[] = [
    ...dashboard.panels.flatMap(({ targets }: { targets: { expr: string }[] }) => targets.map(({ expr }) => expr)),
    rules,
  ];
  const named = new Set(expressions.flatMap((text) => text.match(/\b(zvm|temporal)_[a-z_]+(?=[{[ )])/g) ?? []));
  const own = new Set(told.match(/^(# HELP )?(zvm|temporal)_[a-z_]+/gm)?.map((each) => each.replace('# HELP ', '')));
  const ofAgent = ['zvm_agent_reachable', 'zvm_agent_last_report_seconds'];
  // A queue shows when something has waited in it.
  const missing = [...named].filter(
    (name) => !own.has(name) && !ofAgent.includes(name) && name !== 'zvm_guest_queue_length',
  );
  expect(missing).toEqual([]);
});
