import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { PortId } from '../../domain/text/identifiers.ts';
import { L2Agent } from '../../neutron/agent.ts';
import { BrokerConnection } from '../../neutron/broker-connection.ts';
import { NeutronError } from '../../neutron/errors.ts';
import { PluginApi } from '../../neutron/plugin-api.ts';
import { StateReporter } from '../../neutron/state-reporter.ts';
import { parseTransportUrl } from '../../neutron/transport-url.ts';

const quiet = { info: () => {}, warn: () => {}, error: () => {} };

type Server = ConstructorParameters<typeof StateReporter>[0];

/** A reporter to a server in memory; `doubts` is how often it asked for a look at everything. */
function reporterOf(reportState: Server['reportState']) {
  let doubts = 0;
  const reporter = new StateReporter(
    { reportState },
    {
      host: 'zvm1',
      bridgeMappings: {},
      plugsIntoVswitch: true,
      intervalMs: 60_000,
      log: quiet,
      isReachable: () => true,
      onRevived: () => {
        doubts += 1;
      },
    },
  );
  return { reporter, doubts: () => doubts };
}

test('an agent that the server has taken for dead, or that was deleted from its list, looks at everything; at its first report it does not', async () => {
  const answers = ['new', 'alive', 'new', 'revived'] as const;
  let reports = 0;
  const { reporter, doubts } = reporterOf(async () => answers[reports++]);
  await reporter.start();
  const seen = [doubts()];
  for (let report = 1; report < answers.length; report += 1) {
    await reporter.reportNow();
    seen.push(doubts());
  }
  reporter.stop();
  expect(seen).toEqual([0, 0, 1, 2]);
});

test('a host with so many ports that the server lists them slowly is waited for longer at the next try', async () => {
  const waited: number[] = [];
  const api = new PluginApi({
    call: async ({ method, timeoutMs = 0 }) => {
      waited.push(timeoutMs);
      if (timeoutMs < 50_000) throw new NeutronError('timeout', `call ${method}`, 'no answer');
      return [];
    },
  });
  await expect(api.portsOfHost('zvm1')).rejects.toThrow('no answer');
  await expect(api.portsOfHost('zvm1')).rejects.toThrow('no answer');
  expect(await api.portsOfHost('zvm1')).toEqual([]);
  expect(await api.portsOfHost('zvm1')).toEqual([]);
  expect(waited).toEqual([20_000, 40_000, 80_000, 80_000]);
});

test('an agent whose first report does not come through looks at everything when the next does: nothing could be bound to it before', async () => {
  let reports = 0;
  const { reporter, doubts } = reporterOf(async () => {
    reports += 1;
    if (reports === 1) throw new NeutronError('timeout', 'call report_state', 'no answer');
    return reports === 2 ? 'new' : 'alive';
  });
  await reporter.start();
  await reporter.reportNow();
  await reporter.reportNow();
  reporter.stop();
  expect(doubts()).toBe(1);
});

function portAs(id: string, host: string, vifType: string) {
  return {
    id,
    network_id: 'network',
    mac_address: '02:00:00:00:00:01',
    admin_state_up: true,
    'binding:host_id': host,
    'binding:vif_type': vifType,
  };
}

function objectAs(port: ReturnType<typeof portAs>) {
  const { id, network_id, mac_address, admin_state_up } = port;
  const binding = { host: port['binding:host_id'], vif_type: port['binding:vif_type'] };
  const bindings = [{ 'versioned_object.name': 'PortBinding', 'versioned_object.data': binding }];
  const data = { id, network_id, mac_address, admin_state_up, bindings };
  return { 'versioned_object.name': 'Port', 'versioned_object.data': data };
}

function agentOf(
  done: unknown[],
  ports: readonly ReturnType<typeof portAs>[],
  onResync = async (reason: string) => void done.push(reason),
) {
  const answers: Record<string, (args: Record<string, unknown>) => unknown> = {
    has_alive_neutron_server: () => true,
    report_state: () => 'new',
    get_ports_by_vnic_type_and_host: () => ports,
    bulk_pull: () => ports.map(objectAs),
    get_devices_details_list_and_failed_devices: ({ host, devices }) => {
      done.push({ host, devices });
      return { devices: [], failed_devices: [] };
    },
  };
  const api = new PluginApi({ call: async ({ method, args }) => answers[method]?.(args) });
  const connection = new BrokerConnection({
    transport: parseTransportUrl('rabbit://127.0.0.1//'),
    heartbeatSeconds: 0,
    tls: { verify: true },
    log: quiet,
  });
  return new L2Agent(connection, api, {
    host: 'zvm1',
    bridgeMappings: {},
    reportIntervalMs: 60_000,
    isReachable: () => true,
    flags: { durable: false, autoDelete: false, durableFanout: false, quorumQueues: false },
    log: quiet,
    onNews: async () => {},
    onResync,
  });
}

test('at its start the agent asks for the ports that failed to bind while it was away, and for no others, before all is looked at', async () => {
  const [failed, bound] = [PortId.parse(randomUUID()), PortId.parse(randomUUID())];
  const done: unknown[] = [];
  const agent = agentOf(done, [portAs(failed, 'zvm1', 'binding_failed'), portAs(bound, 'zvm1', 'ovs')]);
  await agent.start();
  await agent.idle();
  agent.stop();
  expect(done).toEqual([{ host: 'zvm1', devices: [failed] }, 'the agent has started']);
});

test('while Temporal is away the agent does not ask again and again for ports that cannot be bound', async () => {
  const done: unknown[] = [];
  const failed = PortId.parse(randomUUID());
  let tries = 0;
  const agent = agentOf(done, [portAs(failed, 'zvm1', 'binding_failed')], async (reason) => {
    tries += 1;
    if (tries < 3) throw new Error('Temporal is away');
    done.push(reason);
  });
  await agent.start();
  await agent.idle();
  agent.stop();
  expect(done).toEqual([{ host: 'zvm1', devices: [failed] }, 'the agent has started']);
});
