import { once } from 'node:events';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { freePorts } from '../../temporal-config/dev-server/free-ports.ts';
import { startProgram, startScript } from '../program.ts';

let other: Server;
let taken = 0;
beforeAll(async () => {
  other = createServer((socket) => socket.destroy());
  await once(other.listen(0, '127.0.0.1'), 'listening');
  taken = (other.address() as AddressInfo).port;
});
afterAll(() => void other.close());

async function portsExcept(option: string): Promise<string[]> {
  const ports = await freePorts(4);
  const options = ['--port', '--ui-port', '--simulator-port', '--gateway-port'];
  return options.flatMap((each, index) => [each, String(each === option ? taken : ports[index])]);
}

test.each(['--port', '--ui-port', '--simulator-port', '--gateway-port'])(
  'npm start whose %s is taken says which port it is and what to do, and ends',
  async (option) => {
    const { ended, said } = startScript('start', await portsExcept(option));
    expect(await ended, said()).toBe(1);
    expect(said()).toContain('address already in use');
    expect(said()).toContain(String(taken));
    expect(said()).toContain(option);
  },
);

test('a gateway whose port is taken ends', async () => {
  const { ended, said } = startProgram('workers/gateway.ts', ['--port', String(taken)], {
    ZVM_GATEWAY_HOSTS: JSON.stringify([{ host: 'zvm1', physicalNetworks: [] }]),
  });
  expect(await ended, said()).toBe(1);
  expect(said()).toContain(`address already in use 127.0.0.1:${taken}`);
});

test('npm start names all taken ports at once, before it starts anything', async () => {
  const options = ['--port', '--ui-port', '--simulator-port', '--gateway-port'];
  const { ended, said } = startScript(
    'start',
    options.flatMap((option) => [option, String(taken)]),
  );
  expect(await ended, said()).toBe(1);
  for (const option of options) expect(said()).toContain(`${option} ${taken}: address already in use`);
  expect(said()).not.toContain('server ready');
});

/** True while a process of the program's group is there. */
function isThere(pid: number): boolean {
  try {
    return process.kill(-pid, 0);
  } catch {
    return false;
  }
}

test('SIGTERM to npm, as from a service manager, ends all processes in order', async () => {
  const { pid, said, end } = startScript('start', await portsExcept('none'));
  await expect.poll(said).toContain('Ctrl-C ends all processes');
  await end('SIGTERM');
  // The group is empty when its last process has ended.
  await expect.poll(() => isThere(pid)).toBe(false);
});

test.each(['Starting Temporal', 'server ready', 'Workers: starting', 'Wiring', 'An administrator uncouples'])(
  'Ctrl-C after "%s" ends npm start, which says so',
  async (line) => {
    const { pid, said, ended } = startScript('start', await portsExcept('none'));
    await expect.poll(said, { interval: 10 }).toContain(line);
    // A terminal sends it to the whole group.
    process.kill(-pid, 'SIGINT');
    expect(await ended, said()).toBe(0);
    expect(said()).toMatch(/Ending all of it …\nEnded\.\n$/);
    await expect.poll(() => isThere(pid)).toBe(false);
  },
);
