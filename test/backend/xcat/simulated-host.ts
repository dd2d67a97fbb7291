import { onTestFinished } from 'vitest';
import type { ZvmBackend } from '../../../backend/backend.ts';
import { createXcatClient, type XcatClient } from '../../../backend/xcat/rest/client.ts';
import { createXcatBackend } from '../../../backend/xcat/xcat-backend.ts';
import type { Command } from '../../../backend/xcat/zhcp/channel.ts';
import type { HostConfiguration } from '../../../configuration/load.ts';
import { embeddedHosts } from '../../../demo/embedded-hosts.ts';
import type { Userid } from '../../../domain/text/identifiers.ts';
import { rulesOf } from '../../../runtime/host/host-backend.ts';
import { type Simulator, type SimulatorOptions, startSimulator } from '../../../simulator/simulator.ts';
import type { Guest } from '../../../simulator/zvm/guest.ts';
import type { ZvmSystem } from '../../../simulator/zvm/system.ts';

/** An event of the simulator, as far as tests here look at it. */
export type SimulatorEvent = {
  type: string;
  path?: string;
  argv?: string[];
  rc?: number;
  rs?: number;
  userid?: string;
  vdev?: string;
};

export type SimulatedHost = {
  simulator: Simulator;
  backend: ZvmBackend;
  client: XcatClient;
  system: ZvmSystem;
  guest(userid: Userid): Guest;
  events(type: string): Promise<SimulatorEvent[]>;
  /** Calls to the management node so far. */
  calls(): Promise<number>;
  /** Arm a fault of any request. */
  fault(action: object): Promise<void>;
};

/** The parts of a backend that a test has in its own way: the client as the backend sees it, and configuration. */
export type OwnParts = {
  seen?: (client: XcatClient) => XcatClient;
  configured?: Partial<HostConfiguration>;
};

/** The first of some simulated z/VM systems, one by default, with a backend by xCAT, until the test has ended. */
export async function simulatedHost(
  options: SimulatorOptions,
  { seen = (client) => client, configured = {} }: OwnParts = {},
): Promise<SimulatedHost> {
  const { hosts = 1 } = options;
  const simulator = await startSimulator({ ...options, hosts });
  onTestFinished(() => simulator.close());
  const [configuration] = embeddedHosts(simulator.url, hosts);
  const [system] = simulator.mn.systems;
  if (configuration === undefined || system === undefined) throw new Error('no embedded host');
  const access = { url: simulator.url, username: 'admin', password: 'admin', timeoutMs: 60_000 };
  const client = createXcatClient({ ...access, verifyTls: true, credentialsInQuery: false });
  const backend = createXcatBackend(rulesOf({ ...configuration, ...configured }), seen(client));
  onTestFinished(() => backend.close());
  return {
    ...{ simulator, backend, client, system },
    guest(userid) {
      const guest = system.guest(userid);
      if (guest === undefined || guest === null) throw new Error(`no guest ${userid}`);
      return guest;
    },
    events: async (wanted) => {
      const all = (await (await fetch(`${simulator.url}/simulator/events`)).json()) as SimulatorEvent[];
      return all.filter(({ type }) => type === wanted);
    },
    calls: async () => {
      const counters = (await (await fetch(`${simulator.url}/simulator/counters`)).json()) as { httpCalls: number };
      return counters.httpCalls;
    },
    fault: async (action) => {
      const body = JSON.stringify({ match: {}, action });
      await fetch(`${simulator.url}/simulator/faults`, { method: 'POST', body });
    },
  };
}

/** A client that lets a test see each command that goes to a zHCP, or put another in its place. */
export function passing(pass: (command: Command, node: string) => Command): NonNullable<OwnParts['seen']> {
  return (client) => ({
    ...client,
    channel: (node) => ({
      ...client.channel(node),
      run: (chains, options) =>
        client.channel(node).run(
          chains.map((each) => ('argv' in each ? [each] : each).map((command) => pass(command, node))),
          options,
        ),
    }),
  });
}
