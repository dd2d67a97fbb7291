import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';

// Below the ephemeral ports (Linux from 32768, others from 49152): no outgoing connection takes a chosen port before its use, and a client that
// tries the port of a stopped server never connects to itself.
const FIRST = 20_000;
const END = 32_768;
const ATTEMPTS = 100;

/** A free port of 127.0.0.1. Throws an Error when there is none. */
export async function freePort(): Promise<number> {
  const [port] = await freePorts(1);
  if (port === undefined) throw new Error('no free port on loopback');
  return port;
}

/** So many different free ports of 127.0.0.1. Throws an Error when there are fewer. */
export async function freePorts(count: number): Promise<number[]> {
  const held: { port: number; server: Server }[] = [];
  try {
    for (let attempt = 0; held.length < count; attempt += 1) {
      if (attempt === count + ATTEMPTS) throw new Error('no free port on loopback');
      const port = randomInt(FIRST, END);
      const server = await hold(port);
      if (server !== undefined) held.push({ port, server });
    }
    return held.map(({ port }) => port);
  } finally {
    await Promise.all(held.map(({ server }) => once(server.close(), 'close')));
  }
}

/** True when a program may listen on this port of 127.0.0.1. */
export async function isFree(port: number): Promise<boolean> {
  const server = await hold(port);
  if (server !== undefined) await once(server.close(), 'close');
  return server !== undefined;
}

async function hold(port: number): Promise<Server | undefined> {
  const server = createServer();
  try {
    await once(server.listen(port, '127.0.0.1'), 'listening');
    return server;
  } catch {
    return undefined;
  }
}
