import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { freePorts } from '../../workers/free-ports.ts';

const ROOT = join(import.meta.dirname, '../..');
let somebody: Server;
let taken = 0;
beforeAll(async () => {
  somebody = createServer((socket) => socket.destroy());
  await once(somebody.listen(0, '127.0.0.1'), 'listening');
  taken = (somebody.address() as AddressInfo).port;
});
afterAll(() => void somebody.close());

/** A program of package.json as its user starts it, in a process group of its own, and what it says. */
function npm(script: string, ...args: string[]) {
  const { TEMPORAL_ADDRESS: _address, ...env } = process.env;
  const program = spawn('npm', ['run', '--silent', script, '--', ...args], { cwd: ROOT, env, detached: true });
  let said = '';
  for (const stream of [program.stdout, program.stderr])
    stream.on('data', (chunk) => {
      said += String(chunk);
    });
  return {
    program,
    said: () => said,
    /** Whatever is left of it. */
    end: () => {
      try {
        process.kill(-(program.pid ?? 0), 'SIGKILL');
      } catch {
        // Nothing is left.
      }
    },
  };
}

async function portsExcept(option: string): Promise<string[]> {
  const ports = await freePorts(4);
  const options = ['--port', '--ui-port', '--simulator-port', '--gateway-port'];
  return options.flatMap((each, index) => [each, String(each === option ? taken : ports[index])]);
}

test.each(['--port', '--ui-port', '--simulator-port', '--gateway-port'])(
  'npm start whose %s is taken says which port it is and what to do, and ends',
  async (option) => {
    const { program, said, end } = npm('start', ...(await portsExcept(option)));
    try {
      const [code] = await once(program, 'close');
      expect(code, said()).toBe(1);
      expect(said()).toContain('address already in use');
      expect(said()).toContain(String(taken));
      expect(said()).toContain(option);
    } finally {
      end();
    }
  },
);

test('a gateway whose port is taken ends', async () => {
  const program = spawn(process.execPath, [join(ROOT, 'workers/gateway.ts'), '--port', String(taken)], {
    env: {
      ...process.env,
      TEMPORAL_ADDRESS: inject('temporalAddress'),
      TEMPORAL_NAMESPACE: inject('temporalNamespace'),
      ZVM_GATEWAY_HOSTS: JSON.stringify([{ host: 'zvm1', physicalNetworks: [] }]),
    },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let told = '';
  program.stderr.on('data', (chunk) => {
    told += String(chunk);
  });
  try {
    const [code] = await once(program, 'close');
    expect(code, told).toBe(1);
    expect(told).toContain(`address already in use 127.0.0.1:${taken}`);
  } finally {
    program.kill('SIGKILL');
  }
});

test('whoever ends npm, as a service manager does, ends what it has started in order', async () => {
  const { program, said, end } = npm('start', ...(await portsExcept('none')));
  try {
    await expect.poll(said).toContain('Ctrl-C ends everything');
    program.kill('SIGTERM');
    await once(program, 'close');
    // The group is empty when its last process has ended.
    const isThere = () => {
      try {
        return process.kill(-(program.pid ?? 0), 0);
      } catch {
        return false;
      }
    };
    await expect.poll(isThere).toBe(false);
  } finally {
    end();
  }
});
