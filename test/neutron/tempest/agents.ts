import type { NeutronConfiguration } from '../../../configuration/neutron.ts';
import { startStack } from '../../../demo/stack.ts';
import { parseTransportUrl } from '../../../neutron/transport-url.ts';
import { runWorkers } from '../../../runtime/host/run-workers.ts';
import { runNeutronAgents } from '../../../runtime/neutron/agents.ts';
import { neutronConnection } from '../../../runtime/neutron/connection.ts';
import { createLogger } from '../../../runtime/process/logging.ts';

/** A simulated z/VM system with the name in Neutron, its worker and its agent. The agent has reported when the promise resolves. */
export async function startAgents(
  transportUrl: string,
  host: string,
  say: (line: string) => void,
): Promise<{ stop(): Promise<void> }> {
  const stack = await startStack({ hosts: 1, guestsPerHost: 10, say, withoutWorkers: true });
  const hosts = stack.hosts.map((each) => ({ ...each, host }));
  const logger = createLogger('error');
  const configuration = configurationFor(transportUrl);
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

function configurationFor(transportUrl: string): NeutronConfiguration {
  return {
    bus: {
      transport: parseTransportUrl(transportUrl),
      exchange: 'neutron',
      flags: { durable: false, autoDelete: false, durableFanout: false, quorumQueues: false },
      heartbeatSeconds: 60,
      tls: { verify: true },
      rpcTimeoutSeconds: 60,
      reportIntervalSeconds: 10,
    },
  };
}
