import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';

const ROOT = join(import.meta.dirname, '../..');
let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'worker-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** A way to Temporal that is open for the first connection alone: the one that looks at the namespace before workers start. */
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
  return { address: `127.0.0.1:${(server.address() as AddressInfo).port}`, close: () => server.close() };
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
  const way = await wayToTemporal();
  const worker = spawn(process.execPath, [join(ROOT, 'workers/worker.ts'), '--config-file', file], {
    env: { ...process.env, TEMPORAL_ADDRESS: way.address, TEMPORAL_NAMESPACE: inject('temporalNamespace') },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let told = '';
  worker.stderr.on('data', (chunk) => {
    told += String(chunk);
  });
  try {
    const [code] = await once(worker, 'close');
    expect(code, told).toBe(1);
    expect(told).not.toBe('');
  } finally {
    worker.kill('SIGKILL');
    way.close();
  }
});
