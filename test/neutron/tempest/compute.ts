import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A stand-in for Nova: it answers the one request of tempest's tests of binding attributes, the names of the hosts that ports can be bound to. */
export async function startCompute(host: string): Promise<{ url: string; stop(): Promise<void> }> {
  const hypervisors = [{ id: 1, hypervisor_hostname: host, state: 'up', status: 'enabled' }];
  const server = createServer(({ url = '' }, answer) => {
    const isKnown = url.endsWith('/os-hypervisors');
    answer.writeHead(isKnown ? 200 : 404, { 'content-type': 'application/json' });
    answer.end(JSON.stringify(isKnown ? { hypervisors } : { itemNotFound: { code: 404, message: 'not here' } }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/v2.1`,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
