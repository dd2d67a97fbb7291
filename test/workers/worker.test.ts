import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, inject, onTestFinished, test } from 'vitest';
import { startProgram } from '../program.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'worker-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** A proxy to Temporal that accepts the first connection only: the one that checks the namespace before workers start. */
async function wayToTemporal() {
  const [host = '', port] = inject('temporalAddress').split(':');
  let connections = 0;
  const server = createServer((socket) => {
    connections += 1;
    if (connections > 1) return void socket.destroy();
    const temporal = connect(Number(port), host);
    for (const each of [socket, temporal]) each.on('error', () => {});
    socket.pipe(temporal).pipe(socket);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(() => void server.close());
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test('a worker that cannot go on ends, so that it is started again, though it looks for Neutron meanwhile', async () => {
  const file = join(folder, 'zvm.ini');
  await writeFile(
    file,
    `[DEFAULT]
transport_url = rabbit://openstack:secret@127.0.0.1:1/
[AGENT]
zvm_host = zvm-ends
xcat_zhcp_nodename = zhcp1
zvm_xcat_server = http://127.0.0.1:1
zvm_xcat_username = admin
zvm_xcat_password = admin
`,
  );
  const { ended, said } = startProgram('workers/worker.ts', ['--config-file', file], {
    TEMPORAL_ADDRESS: await wayToTemporal(),
  });
  expect(await ended, said()).toBe(1);
  expect(said()).not.toBe('');
});
