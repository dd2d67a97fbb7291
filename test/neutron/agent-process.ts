import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { inject, onTestFinished } from 'vitest';
import type { Cloud } from './real-neutron.ts';

/** The agent as a process of its own, configured by neutron-server's file and the z/VM agent's ini. */
export type AgentProcess = { output(): string; kill(): Promise<void>; end(): Promise<number | null> };

export async function startAgentProcess({ openstack, host, environment }: Cloud): Promise<AgentProcess> {
  const ini = join(openstack.folder, 'zvm.ini');
  await writeFile(
    ini,
    `[AGENT]
zvm_host = ${host}
xcat_zhcp_nodename = zhcp1
zvm_xcat_server = ${environment.simulator.url}
zvm_xcat_username = admin
zvm_xcat_password = admin
report_interval = 2
[ovs]
bridge_mappings = physnet1:VSW1,physnet2:VSW2,physport:VSWPORT,physflat:VSWFLAT
`,
  );
  const child: ChildProcess = spawn(
    process.execPath,
    ['workers/neutron-agent.ts', '--config-file', openstack.configFile, '--config-file', ini],
    {
      env: {
        ...process.env,
        TEMPORAL_ADDRESS: inject('temporalAddress'),
        TEMPORAL_NAMESPACE: inject('temporalNamespace'),
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => (text += String(chunk)));
  const ended = once(child, 'exit');
  // Also when the test has failed before it could end it.
  onTestFinished(() => void child.kill('SIGKILL'));
  return {
    output: () => text,
    async kill() {
      child.kill('SIGKILL');
      await ended;
    },
    async end() {
      child.kill('SIGTERM');
      await ended;
      return child.exitCode;
    },
  };
}
