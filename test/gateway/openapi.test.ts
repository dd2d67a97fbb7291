import { spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import type { ScheduleHandle } from '@temporalio/client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { newToken, TokenFile } from '../../gateway/http/tokens.ts';
import { reconcileScheduleId } from '../../temporal-config/names.ts';
import { type Served, serve } from './environment.ts';

const MINUTE = 60_000;
const FUZZER = 'schemathesis==4.32.5';
let served: Served;
let schedule: ScheduleHandle;
let folder = '';
const all = newToken('fuzzer', ['*'], ['read', 'change', 'reconcile']);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'openapi-'));
  const tokens = TokenFile.parse({ tokens: [all.entry] }).tokens;
  served = await serve({ tokens, limits: { requestsPerSecond: 10_000, strangersPerMinute: 100_000 } });
  schedule = await served.environment.client.schedule.create({
    scheduleId: reconcileScheduleId(served.host),
    spec: { intervals: [{ every: '1 hour' }] },
    action: { type: 'startWorkflow', workflowType: 'reconcileHost', taskQueue: 'none', args: [] },
  });
});
afterAll(async () => {
  await schedule.delete();
  await served.close();
  await rm(folder, { recursive: true, force: true });
});

/** Run beside the gateway, which this process serves. */
function run(program: string, args: string[]): Promise<{ status: number | null; output: string }> {
  return new Promise((resolve) => {
    const child = spawn(program, args, {
      cwd: folder,
      env: { ...process.env, NO_COLOR: '1', REDOCLY_TELEMETRY: 'off' },
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += String(chunk)));
    child.once('error', () => resolve({ status: null, output }));
    child.once('exit', (status) => resolve({ status, output }));
  });
}

test('the OpenAPI document is faultless to a public linter', async () => {
  const file = join(folder, 'openapi.json');
  const { body } = await served.call('GET', '/openapi.json');
  expect(body.openapi).toBe('3.1.0');
  await writeFile(file, JSON.stringify(body));
  const linter = join(import.meta.dirname, '../../node_modules/.bin/redocly');
  const { status, output } = await run(linter, ['lint', '--extends=recommended', file]);
  expect(output).toContain('Your API description is valid');
  expect(status).toBe(0);
});

test('every page that the gateway serves comes without another host', async () => {
  for (const path of ['/', '/docs', '/page/picture.ts', '/page/picture.css', '/page/docs.js', '/page/swagger-ui.css']) {
    const { status, body, headers } = await served.call('GET', path);
    expect(status, path).toBe(200);
    const policy = headers.get('content-security-policy');
    for (const each of ["default-src 'self'", "base-uri 'none'", "form-action 'self'", "frame-ancestors 'none'"])
      expect(policy).toContain(each);
    // Swagger UI alone writes styles into its elements.
    expect(policy?.includes("'unsafe-inline'"), path).toBe(path === '/docs');
    expect(body.match(/(?:src|href)="https?:/g), path).toBeNull();
  }
});

test('modules of the page come without types, and Node warns of nothing', async () => {
  const warnings: string[] = [];
  const note = (warning: Error) => warnings.push(warning.message);
  process.on('warning', note);
  const { body, headers } = await served.call('GET', '/page/address.ts');
  await setImmediate();
  process.off('warning', note);
  expect(headers.get('content-type')).toContain('text/javascript');
  expect(body).toContain('export function readAddress() ');
  expect(body).not.toContain('export type');
  expect(warnings).toEqual([]);
});

/** The fuzzer, from PyPI, kept in the cache. Undefined where it cannot be had. */
function fuzzer(): string | undefined {
  const venv = join(
    process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'),
    'networking-zvm',
    FUZZER.replace('==', '-'),
  );
  const program = join(venv, 'bin', 'schemathesis');
  if (existsSync(program)) return program;
  spawnSync('python3', ['-m', 'venv', venv]);
  spawnSync(join(venv, 'bin', 'pip'), ['install', '-q', FUZZER]);
  return existsSync(program) ? program : undefined;
}

// A schema cannot say that a tag does not match, nor that z/VM will not have it: these are answers to requests that are valid.
const CHECKS = `
[checks.positive_data_acceptance]
expected-statuses = ["2xx", "3xx", 401, 403, 404, 409, 412, 429]
[checks.negative_data_rejection]
expected-statuses = [400, 401, 403, 404, 405, 409, 412, 415, 422, 429]

# Nor can it say that no two ports of a list have the same id.
[[operations]]
include-path = "/v1/hosts/{host}/ports"
[operations.checks.positive_data_acceptance]
expected-statuses = ["2xx", "3xx", 401, 403, 404, 409, 412, 422, 429]

# The end of a restore may end each of the operations that the fuzzer has started.
[[operations]]
include-path = "/v1/hosts/{host}/restore"
[operations.checks]
max_response_time = 120
`;

const PHASES: [how: string, phases: string, configuration: (host: string) => string][] = [
  // Requests reach the host that is there; else most would end with 404.
  ['one by one', 'examples,coverage,fuzzing', (host: string) => `[parameters]\n"path.host" = "${host}"\n${CHECKS}`],
  // Here the host is found as a caller would find it, by what was answered before.
  ['after each other, by links', 'stateful', () => CHECKS],
];

for (const [how, phases, configuration] of PHASES)
  test(
    `a public fuzzer that sends what the document allows, and what not, ${how}, meets no answer that is not described, and no 5xx`,
    async ({ skip }) => {
      const program = fuzzer();
      if (program === undefined) {
        process.stderr.write(`SKIPPED: ${FUZZER} cannot be had here, so the API is not fuzzed\n`);
        return skip(`${FUZZER} cannot be had here`);
      }
      const file = join(folder, 'schemathesis.toml');
      await writeFile(file, configuration(served.host));
      const { status, output } = await run(program, [
        ...['--config-file', file, 'run', `${served.gateway.url}/openapi.json`],
        ...['--header', `Authorization: Bearer ${all.token}`, '--checks', 'all', '--phases', phases],
        // Events do not end.
        ...['--exclude-path', '/v1/hosts/{host}/events', '--request-timeout', '60'],
        ...['--max-examples', '10', '--workers', '2', '--seed', '1'],
      ]);
      expect(status, output.slice(-6_000)).toBe(0);
      expect(output).toMatch(/\d{2,} generated/);
    },
    16 * MINUTE,
  );
