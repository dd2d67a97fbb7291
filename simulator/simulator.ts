import { once } from 'node:events';
import { EventLog } from './events.ts';
import { FaultBoard } from './faults.ts';
import { makeServer } from './http-server.ts';
import { ManagementNode } from './management-node.ts';
import type { SimulatorOptions } from './options.ts';
import { withDefaults } from './options.ts';

export type { SimulatorOptions } from './options.ts';

export type Simulator = {
  /** the REST API is below /xcatws, the control API below /simulator */
  url: string;
  mn: ManagementNode;
  close(): Promise<void>;
};

/** Starts an xCAT MN with its z/VM systems on a port of the loopback interface. */
export async function startSimulator(options: SimulatorOptions = {}): Promise<Simulator> {
  const settings = withDefaults(options);
  const events = new EventLog();
  const faults = new FaultBoard();
  const mn = new ManagementNode(settings, events, faults);
  const server = makeServer({ mn, events, faults });
  server.listen(settings.port, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the simulator got no port');
  return {
    url: `http://127.0.0.1:${address.port}`,
    mn,
    close: async () => {
      faults.remove();
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
