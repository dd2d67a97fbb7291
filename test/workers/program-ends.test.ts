import { once } from 'node:events';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { freePorts } from '../../temporal-config/dev-server/free-ports.ts';
import { startProgram, startScript } from '../program.ts';

let somebody: Server;
let taken = 0;
beforeAll(async () => {
  somebody = createServer((socket) => socket.destroy());
  await once(somebody.listen(0, '127.0.0.1'), 'listening');
  taken = (somebody.address() as AddressInfo).port;
});
afterAll(() => void somebody.close());

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

test('whoever ends npm, as a service manager does, ends what it has started in order', async () => {
  const { pid, said, end } = startScript('start', await portsExcept('none'));
  await expect.poll(said).toContain('Ctrl-C ends all processes');
  await end('SIGTERM');
  // The group is empty when its last process has ended.
  const isThere = () => {
    try {
      return process.kill(-pid, 0);
    } catch {
      return false;
    }
  };
  await expect.poll(isThere).toBe(false);
});
