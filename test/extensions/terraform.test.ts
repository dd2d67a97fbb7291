import { execFile, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { newToken, TokenFile } from '../../gateway/http/tokens.ts';
import { cacheDirectory } from '../../temporal-config/dev-server/temporal-binary.ts';
import { type Served, serve } from '../gateway/environment.ts';
import { portId } from '../workflows/environment.ts';

const ROOT = join(import.meta.dirname, '../..');
const EXAMPLES = join(ROOT, 'docs/examples/terraform');
const PROVIDERS = join(cacheDirectory(), 'terraform');
const isHere = spawnSync('terraform', ['version']).status === 0;
if (!isHere) process.stderr.write('SKIPPED: no terraform here, so its examples are not tried\n');
/** Providers are built by hand: it takes minutes (docs/examples/terraform/README.md). */
const hasProvider = (name: string) => {
  const has = isHere && existsSync(join(PROVIDERS, `terraform-provider-${name}`));
  if (!has) process.stderr.write(`SKIPPED: no provider ${name} in ${PROVIDERS}, so its example is not tried\n`);
  return has;
};
const run = promisify(execFile);
const token = newToken('terraform', ['*'], ['read', 'change']);

describe.skipIf(!isHere)('the examples for Terraform', () => {
  let served: Served;
  let folder: string;
  beforeAll(async () => {
    served = await serve({ tokens: TokenFile.parse({ tokens: [token.entry] }).tokens });
    folder = await mkdtemp(join(tmpdir(), 'terraform-'));
  });
  afterAll(async () => {
    await served?.close();
    await rm(folder, { recursive: true, force: true });
  });

  /** An example in a folder of its own, and `terraform` there with values of its variables. */
  async function example(name: string) {
    const cwd = join(folder, name);
    await cp(join(EXAMPLES, name), cwd, { recursive: true });
    const configuration = join(cwd, 'cli.tfrc');
    const sources = ['hashicorp/http', 'Mastercard/restapi'].map((source) => `    "${source}" = "${PROVIDERS}"\n`);
    const overrides = `  dev_overrides {\n${sources.join('')}  }\n`;
    await writeFile(configuration, `provider_installation {\n${overrides}  direct {}\n}\n`);
    const env = {
      ...process.env,
      ...{ CHECKPOINT_DISABLE: '1', TF_CLI_CONFIG_FILE: configuration },
      PATH: `${join(ROOT, 'cli')}:${process.env.PATH ?? ''}`,
      TEMPORAL_ADDRESS: inject('temporalAddress'),
      TEMPORAL_NAMESPACE: inject('temporalNamespace'),
    };
    return (command: string, values: object = {}, ...options: string[]) => {
      const vars = Object.entries(values).map(
        ([key, value]) => `-var=${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
      );
      return run('terraform', [command, '-no-color', ...options, ...vars], { cwd, env });
    };
  }

  const granted = async (userid: string) => (await served.environment.guest(userid)).granted;
  const portsOf = (...ports: [number: number, userid: string, vlan: number][]) =>
    Object.fromEntries(ports.map(([number, userid, vlan]) => [portId(number), { userid, vswitch: 'VSW1', vlan }]));

  test('are formatted as Terraform does it', async () => {
    await run('terraform', ['fmt', '-check', '-recursive', '-diff', EXAMPLES]);
  });

  test('have a list of ports become so on z/VM by zvmnet, follow its changes, and delete it', async () => {
    const terraform = await example('apply');
    await terraform('init');
    const apply = (command: string, ...ports: Parameters<typeof portsOf>) =>
      terraform(command, { host: served.host, ports: portsOf(...ports) }, '-auto-approve');
    await apply('apply', [1, 'LNX10001', 100], [2, 'LNX10002', 200]);
    expect([await granted('LNX10001'), await granted('LNX10002')]).toEqual([{ VSW1: [100] }, { VSW1: [200] }]);
    await apply('apply', [1, 'LNX10001', 101]);
    expect([await granted('LNX10001'), await granted('LNX10002')]).toEqual([{ VSW1: [101] }, {}]);
    await apply('destroy', [1, 'LNX10001', 101]);
    expect(await granted('LNX10001')).toEqual({});
  });

  test.skipIf(!hasProvider('restapi'))('do the same by the HTTP API, and show a refusal', async () => {
    const terraform = await example('restapi');
    const apply = (command: string, ...ports: Parameters<typeof portsOf>) => {
      const values = { gateway: served.gateway.url, token: token.token, host: served.host, ports: portsOf(...ports) };
      return terraform(command, values, '-auto-approve');
    };
    await apply('apply', [3, 'LNX10003', 300], [4, 'LNX10004', 400]);
    await apply('apply', [3, 'LNX10003', 301]);
    expect([await granted('LNX10003'), await granted('LNX10004')]).toEqual([{ VSW1: [301] }, {}]);
    await expect(apply('apply', [3, 'LNX10003', 301], [5, 'NOSUCH', 301])).rejects.toThrow(/409/);
    await apply('destroy', [3, 'LNX10003', 301]);
    expect(await granted('LNX10003')).toEqual({});
  });

  test.skipIf(!hasProvider('http'))('read the ports of a VLAN', async () => {
    const path = `/v1/hosts/${served.host}/guests/LNX10006/ports/${portId(6)}`;
    const body = { vswitch: 'VSW1', network: { type: 'vlan', segmentationId: 600 }, mac: '02:00:00:00:06:00' };
    const headers = { authorization: `Bearer ${token.token}`, prefer: 'wait=110' };
    expect((await served.call('PUT', path, body, headers)).status).toBe(200);
    const terraform = await example('read');
    const values = { gateway: served.gateway.url, host: served.host, vlan: '600' };
    await terraform('apply', { ...values, token: token.token }, '-auto-approve');
    const { stdout } = await terraform('output', {}, '-json', 'macs');
    expect(JSON.parse(stdout)).toEqual({ [portId(6)]: body.mac });
    await expect(terraform('apply', { ...values, token: 'none' }, '-auto-approve')).rejects.toThrow(/401/);
  });
});
