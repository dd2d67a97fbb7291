import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished } from 'vitest';
import { type Simulator, startSimulator } from '../../simulator/simulator.ts';
import { freePort } from '../../temporal-config/dev-server/free-ports.ts';
import { hostFileText } from '../host-file.ts';
import { type Program, startProgram } from '../program.ts';

/** A z/VM system with the worker and the gateway of it as programs of their own. */
export type Programs = {
  host: string;
  simulator: Simulator;
  worker: Program;
  gateway: Program;
  gatewayUrl: string;
  /** The metrics of the worker, in Prometheus's text format. */
  metricsUrl: string;
};

/** Start them with these variables; they end with the test. */
export async function startPrograms(env: Record<string, string> = {}): Promise<Programs> {
  const host = `zvm-${randomUUID().slice(0, 8)}`;
  const simulator = await startSimulator({ hosts: 1, guests: 10, release: '6.3' });
  const folder = await mkdtemp(join(tmpdir(), 'telemetry-'));
  onTestFinished(async () => {
    await simulator.close();
    await rm(folder, { recursive: true });
  });
  const file = join(folder, 'zvm.ini');
  await writeFile(file, hostFileText(host, simulator.url));
  const metrics = `127.0.0.1:${await freePort()}`;
  const worker = startProgram('workers/worker.ts', ['--config-file', file, '--metrics', metrics], env);
  const gateway = startProgram('workers/gateway.ts', ['--config-file', file, '--port', '0'], env);
  const url = () => /"url":"(http:[^"]+)"/.exec(gateway.said())?.[1];
  const started = () => url() !== undefined && worker.said().includes('workers poll');
  await expect.poll(() => (started() ? 'started' : `${gateway.said()}${worker.said()}`)).toBe('started');
  return { host, simulator, worker, gateway, gatewayUrl: url() ?? '', metricsUrl: `http://${metrics}/metrics` };
}

/** Wire a port of a guest through the gateway, and wait for the end. */
export function wirePort(
  { gatewayUrl, host }: Programs,
  userid: string,
  headers: Record<string, string> = {},
): Promise<Response> {
  return fetch(`${gatewayUrl}/v1/hosts/${host}/guests/${userid}/ports/${randomUUID()}`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json', prefer: 'wait=110', ...headers },
    body: JSON.stringify({ vswitch: 'VSW1', network: { type: 'vlan', segmentationId: 100 } }),
  });
}
