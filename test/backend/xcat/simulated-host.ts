import { onTestFinished } from 'vitest';
import type { ZvmBackend } from '../../../backend/backend.ts';
import { createXcatClient, type XcatClient } from '../../../backend/xcat/rest/client.ts';
import { createXcatBackend } from '../../../backend/xcat/xcat-backend.ts';
import { embeddedHosts } from '../../../demo/embedded-hosts.ts';
import type { Userid } from '../../../domain/text/identifiers.ts';
import { rulesOf } from '../../../runtime/host/host-backend.ts';
import { type SimulatorOptions, startSimulator } from '../../../simulator/simulator.ts';
import type { Guest } from '../../../simulator/zvm/guest.ts';
import type { ZvmSystem } from '../../../simulator/zvm/system.ts';

/** An event of the simulator, as far as tests here look at it. */
export type SimulatorEvent = { type: string; path?: string; argv?: string[]; userid?: string; vdev?: string };

export type SimulatedHost = {
  backend: ZvmBackend;
  client: XcatClient;
  system: ZvmSystem;
  guest(userid: Userid): Guest;
  events(type: string): Promise<SimulatorEvent[]>;
  /** Arm a fault of any request. */
  fault(action: object): Promise<void>;
};

/** A simulated z/VM system with a backend by xCAT, until the test has ended; `client` as the backend sees it. */
export async function simulatedHost(
  options: SimulatorOptions,
  seen: (client: XcatClient) => XcatClient = (client) => client,
): Promise<SimulatedHost> {
  const simulator = await startSimulator({ hosts: 1, ...options });
  onTestFinished(() => simulator.close());
  const [configuration] = embeddedHosts(simulator.url, 1);
  const [system] = simulator.mn.systems;
  if (configuration === undefined || system === undefined) throw new Error('no embedded host');
  const access = { url: simulator.url, username: 'admin', password: 'admin', timeoutMs: 60_000 };
  const client = createXcatClient({ ...access, verifyTls: true, credentialsInQuery: false });
  const backend = createXcatBackend(rulesOf(configuration), seen(client));
  onTestFinished(() => backend.close());
  return {
    ...{ backend, client, system },
    guest(userid) {
      const guest = system.guest(userid);
      if (guest === undefined || guest === null) throw new Error(`no guest ${userid}`);
      return guest;
    },
    events: async (wanted) => {
      const all = (await (await fetch(`${simulator.url}/simulator/events`)).json()) as SimulatorEvent[];
      return all.filter(({ type }) => type === wanted);
    },
    fault: async (action) => {
      const body = JSON.stringify({ match: {}, action });
      await fetch(`${simulator.url}/simulator/faults`, { method: 'POST', body });
    },
  };
}
