import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished } from 'vitest';
import { z } from 'zod';
import { freePort } from '../../temporal-config/dev-server/free-ports.ts';

const PROMETHEUS = '/usr/bin/prometheus';

/** False where Debian's package prometheus is not installed. */
export const hasPrometheus = existsSync(PROMETHEUS);

const Answer = z.object({
  status: z.string(),
  error: z.string().optional(),
  data: z.object({ result: z.array(z.object({ metric: z.record(z.string(), z.string()) })) }).optional(),
});

/** A real Prometheus that scrapes these targets every second by these rules; it ends with the test. */
export async function startPrometheus(targets: Record<string, string>, rules: string) {
  const folder = await mkdtemp(join(tmpdir(), 'prometheus-'));
  const jobs = Object.entries(targets).map(
    ([job, url]) => `  - job_name: ${job}\n    static_configs: [{ targets: ["${new URL(url).host}"] }]`,
  );
  await writeFile(join(folder, 'alerts.yaml'), rules);
  await writeFile(
    join(folder, 'prometheus.yaml'),
    `global: { scrape_interval: 1s, evaluation_interval: 1s }\nrule_files: [alerts.yaml]\nscrape_configs:\n${jobs.join('\n')}\n`,
  );
  const address = `127.0.0.1:${await freePort()}`;
  const args = ['--config.file', join(folder, 'prometheus.yaml'), '--storage.tsdb.path', join(folder, 'data')];
  const child = spawn(PROMETHEUS, [...args, '--web.listen-address', address], { stdio: 'ignore' });
  onTestFinished(async () => {
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await ended;
    await rm(folder, { recursive: true });
  });
  const query = async (expression: string) => {
    const answer = await fetch(`http://${address}/api/v1/query?query=${encodeURIComponent(expression)}`);
    return Answer.parse(await answer.json());
  };
  const isReady = () =>
    query('up')
      .then(({ data }) => data?.result.length)
      .catch(() => 0);
  await expect.poll(isReady).toBe(Object.keys(targets).length);
  return {
    query,
    /** The alerts that fire. */
    firing: async () =>
      new Set((await query('ALERTS{alertstate="firing"}')).data?.result.map(({ metric }) => metric.alertname)),
  };
}

/** The rules as they are, but within seconds instead of minutes. */
export function hastened(rules: string): string {
  return rules.replaceAll(/for: \d+m/g, 'for: 1s').replaceAll(/\[\d+m\]/g, '[10s]');
}
