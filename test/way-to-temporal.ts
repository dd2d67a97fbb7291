import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { inject } from 'vitest';

/** A way to a Temporal server, by default the test run's, that can be held up, or cut and opened again, as the server would be by a restart. */
export async function wayToTemporal(server = inject('temporalAddress')) {
  const [host = '', port] = server.split(':');
  const ends = new Set<Socket>();
  const between = createServer((one) => {
    const other = connect(Number(port), host);
    for (const end of [one, other]) {
      ends.add(end);
      end.on('error', () => {}).once('close', () => ends.delete(end));
    }
    one.pipe(other).pipe(one);
  }).listen(0, '127.0.0.1');
  await once(between, 'listening');
  const { port: here } = between.address() as AddressInfo;
  return {
    address: `127.0.0.1:${here}`,
    hangs() {
      for (const end of ends) end.unpipe().pause();
    },
    goes() {
      between.close();
      for (const end of ends) end.destroy();
    },
    comesBack: () => between.listen(here, '127.0.0.1'),
  };
}
