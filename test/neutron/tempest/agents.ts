import { agentConfiguration } from '../../../demo/openstack/stack.ts';
import { startStack } from '../../../demo/stack.ts';
import { runWorkers } from '../../../runtime/host/run-workers.ts';
import { runNeutronAgents } from '../../../runtime/neutron/agents.ts';
import { neutronConnection } from '../../../runtime/neutron/connection.ts';
import { createLogger } from '../../../runtime/process/logging.ts';

/** Tempest's tests wait for a report. */
const REPORT_SECONDS = 10;

/** A simulated z/VM system with the name in Neutron, its worker and its agent. The agent has reported when the promise resolves. */
export async function startAgents(
  transportUrl: string,
  host: string,
  say: (line: string) => void,
): Promise<{ stop(): Promise<void> }> {
  const stack = await startStack({ hosts: 1, guestsPerHost: 10, say, withoutWorkers: true });
  const hosts = stack.hosts.map((each) => ({ ...each, host }));
  const logger = createLogger('error');
  const configuration = agentConfiguration(transportUrl, REPORT_SECONDS);
  const way = neutronConnection(configuration, logger);
  way.start();
  const times = { intervalSeconds: 30, sweepSeconds: 3_600 };
  const workers = await runWorkers(hosts, stack.target, logger, times, way);
  const agents = runNeutronAgents(hosts, configuration, stack.client, logger);
  await agents.ready;
  return {
    async stop() {
      await agents.stop();
      await workers.stop();
      await way.close();
      await stack.stop();
    },
  };
}
