import { once } from 'node:events';
import { EventLog } from './events.ts';
import { FaultBoard } from './faults.ts';
import { makeCertificate } from './http/certificate.ts';
import { seeded } from './http/latency.ts';
import { makeServer } from './http/server.ts';
import type { SimulatorOptions } from './options.ts';
import { withDefaults } from './options.ts';
import { ManagementNode } from './xcat/management-node.ts';

export type { SimulatorOptions } from './options.ts';

export type Simulator = {
  /** the REST API is below /xcatws, the control API below /simulator */
  url: string;
  /** with `https`: the authority that signed the server's certificate, PEM */
  ca: string | undefined;
  mn: ManagementNode;
  close(): Promise<void>;
};

/** Starts an xCAT MN with its z/VM systems on a port of the loopback interface. */
export async function startSimulator(options: SimulatorOptions = {}): Promise<Simulator> {
  const settings = withDefaults(options);
  const events = new EventLog();
  const faults = new FaultBoard();
  const mn = new ManagementNode(settings, events, faults);
  const certificate = settings.https ? await makeCertificate() : undefined;
  const server = makeServer({ mn, events, faults, random: seeded(settings.seed) }, certificate);
  server.listen(settings.port, settings.listen);
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the simulator got no port');
  return {
    url: `${settings.https ? 'https' : 'http'}://127.0.0.1:${address.port}`,
    ca: certificate?.ca,
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
