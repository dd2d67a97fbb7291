import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { freePorts } from '../../temporal-config/dev-server/free-ports.ts';

const ROOT = join(import.meta.dirname, '../..');

test('the line for zvmnet that npm start prints works as it is, and leads to the Temporal UI that it has started', async () => {
  const [port, ui, simulator, gateway] = (await freePorts(4)).map(String);
  const ports = `--port ${port} --ui-port ${ui} --simulator-port ${simulator} --gateway-port ${gateway}`;
  const { TEMPORAL_ADDRESS: _address, ...env } = process.env;
  const program = spawn(process.execPath, ['workers/all-in-one.ts', ...ports.split(' ')], { cwd: ROOT, env });
  let said = '';
  program.stdout.on('data', (chunk) => {
    said += String(chunk);
  });
  try {
    await expect.poll(() => said).toContain('Ctrl-C ends all processes');
    const [, line = ''] = /^ {2}cli\/zvmnet (.*)$/m.exec(said) ?? [];
    const { stderr } = await promisify(execFile)(join(ROOT, 'cli/zvmnet'), line.split(' '), { env });
    expect(stderr).toContain(`http://127.0.0.1:${ui}/namespaces/zvm/workflows/change-vlan`);
  } finally {
    program.kill('SIGTERM');
    await once(program, 'close');
  }
});
