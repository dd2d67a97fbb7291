import { spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { newToken, TokenFile } from '../../gateway/tokens.ts';
import { type Served, serve } from './environment.ts';

const MINUTE = 60_000;
const FUZZER = 'schemathesis==4.32.5';
let served: Served;
let folder = '';
const all = newToken('fuzzer', ['*'], ['read', 'change', 'reconcile']);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'openapi-'));
  const tokens = TokenFile.parse({ tokens: [all.entry] }).tokens;
  served = await serve({ tokens, limits: { requestsPerSecond: 10_000 } });
});
afterAll(async () => {
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

test(
  'the OpenAPI document is faultless to a public linter',
  async () => {
    const file = join(folder, 'openapi.json');
    const { body } = await served.call('GET', '/openapi.json');
    expect(body.openapi).toBe('3.1.0');
    await writeFile(file, JSON.stringify(body));
    const linter = join(import.meta.dirname, '../../node_modules/.bin/redocly');
    const { status, output } = await run(linter, ['lint', '--extends=recommended', file]);
    expect(output).toContain('Your API description is valid');
    expect(status).toBe(0);
  },
  MINUTE,
);

test('every page that the gateway serves comes without another host', async () => {
  for (const path of ['/', '/docs', '/page/picture.js', '/page/picture.css', '/page/docs.js', '/page/swagger-ui.css']) {
    const { status, body, headers } = await served.call('GET', path);
    expect(status, path).toBe(200);
    expect(headers.get('content-security-policy')).toContain("default-src 'self'");
    expect(body.match(/(?:src|href)="https?:/g), path).toBeNull();
  }
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

test(
  'a public fuzzer that reads the document finds no answer that it does not describe, and no 5xx',
  async () => {
    const program = fuzzer();
    if (program === undefined) {
      process.stderr.write(`SKIPPED: ${FUZZER} cannot be had here\n`);
      return;
    }
    const { status, output } = await run(program, [
      'run',
      `${served.gateway.url}/openapi.json`,
      '--header',
      `Authorization: Bearer ${all.token}`,
      '--max-examples',
      '15',
      '--request-timeout',
      '60',
      '--seed',
      '1',
    ]);
    expect(status, output.slice(-6_000)).toBe(0);
  },
  8 * MINUTE,
);
