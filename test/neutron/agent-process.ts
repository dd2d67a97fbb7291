import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Program, startProgram } from '../program.ts';
import type { Cloud } from './real-neutron.ts';

/** The agent as a process, configured by neutron-server's file and the z/VM agent's ini. */
export async function startAgentProcess({ openstack, host, environment }: Cloud): Promise<Program> {
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
  return startProgram('workers/neutron-agent.ts', ['--config-file', openstack.configFile, '--config-file', ini]);
}
