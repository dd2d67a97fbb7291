import { execFile, spawnSync } from 'node:child_process';
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, inject, test } from 'vitest';
import { createEnvironment, portId } from '../workflows/environment.ts';

const ROOT = join(import.meta.dirname, '../..');
const EXAMPLES = join(ROOT, 'docs/examples/terraform');
const run = promisify(execFile);

// Providers come from a registry that tests do not reach: one example needs none.
const isHere = spawnSync('terraform', ['version']).status === 0;
if (!isHere) process.stderr.write('SKIPPED: no terraform here, so its examples are not tried\n');

test.skipIf(!isHere)('the examples for Terraform are formatted as it does it', async () => {
  await run('terraform', ['fmt', '-check', '-recursive', '-diff', EXAMPLES]);
});

test.skipIf(!isHere)(
  'a list of ports in Terraform becomes so on z/VM, follows its changes, and is deleted',
  async () => {
    const zvm = await createEnvironment({ guests: 2 });
    const cwd = await mkdtemp(join(tmpdir(), 'terraform-'));
    const env = {
      ...process.env,
      CHECKPOINT_DISABLE: '1',
      TF_CLI_CONFIG_FILE: join(cwd, 'cli.tfrc'),
      PATH: `${join(ROOT, 'cli')}:${process.env.PATH ?? ''}`,
      TEMPORAL_ADDRESS: inject('temporalAddress'),
      TEMPORAL_NAMESPACE: inject('temporalNamespace'),
    };
    const terraform = (command: string, ...args: string[]) =>
      run('terraform', [command, '-no-color', ...args], { cwd, env });
    const carryOut = (command: string, ...ports: [number: number, userid: string, vlan: number][]) => {
      const given = ports.map(([number, userid, vlan]) => [portId(number), { userid, vswitch: 'VSW1', vlan }]);
      const values = [`-var=host=${zvm.host}`, `-var=ports=${JSON.stringify(Object.fromEntries(given))}`];
      return terraform(command, '-auto-approve', ...values);
    };
    const granted = async (userid: string) => (await zvm.guest(userid)).granted;
    try {
      await cp(join(EXAMPLES, 'apply'), cwd, { recursive: true });
      await writeFile(env.TF_CLI_CONFIG_FILE, '');
      await terraform('init');
      await terraform('validate');
      await carryOut('apply', [1, 'LNX10001', 100], [2, 'LNX10002', 200]);
      expect([await granted('LNX10001'), await granted('LNX10002')]).toEqual([{ VSW1: [100] }, { VSW1: [200] }]);
      await carryOut('apply', [1, 'LNX10001', 101]);
      expect([await granted('LNX10001'), await granted('LNX10002')]).toEqual([{ VSW1: [101] }, {}]);
      await carryOut('destroy', [1, 'LNX10001', 101]);
      expect(await granted('LNX10001')).toEqual({});
    } finally {
      await rm(cwd, { recursive: true, force: true });
      await zvm.close();
    }
  },
);
