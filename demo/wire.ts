import type { Client } from '@temporalio/client';
import { z } from 'zod';
import type { GuestPortRequest } from '../client/port-file.ts';
import { startOperation } from '../client/start-operation.ts';
import type { HostConfiguration } from '../configuration/load.ts';
import { applicationFailureOf, reasonOf } from '../workflows/failures.ts';
import { mismatchesOf, SimulatorState } from './check.ts';

export type WiredGuest = { host: string; userid: string; ports: number; failure: string | undefined };

// Each wait for a result is a long poll, and a server accepts some hundreds at once (contracts/temporal.md, fact 7).
const AT_ONCE = 100;

/** Wire ports by one `attachNic` for each guest with all of its ports, and report each guest when it is done. */
export async function wire(
  client: Client,
  requests: readonly GuestPortRequest[],
  told: (guest: WiredGuest) => void,
): Promise<WiredGuest[]> {
  const guests = [...Map.groupBy(requests, ({ host, userid }) => `${host} ${userid}`).values()];
  const done: WiredGuest[] = [];
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      for (let next = guests.shift(); next !== undefined; next = guests.shift()) {
        const guest = await wireGuest(client, next);
        done.push(guest);
        told(guest);
      }
    }),
  );
  return done;
}

async function wireGuest(client: Client, requests: readonly GuestPortRequest[]): Promise<WiredGuest> {
  const [first] = requests;
  if (first === undefined) throw new RangeError('a guest without ports');
  const { host, userid } = first;
  const ports = requests.map(({ host: _host, userid: _userid, ...port }) => port);
  try {
    const run = await startOperation(client, 'attachNic', { host, userid, ports }, `${userid}/${first.portId}`);
    await run.result();
    return { host, userid, ports: ports.length, failure: undefined };
  } catch (error) {
    const cause = error instanceof Error ? (error.cause ?? error) : error;
    return { host, userid, ports: ports.length, failure: applicationFailureOf(cause)?.message ?? reasonOf(cause) };
  }
}

/** The differences of the simulator's state from the requests, live or at rest, as sentences. */
export async function compare(
  simulatorUrl: string,
  requests: readonly GuestPortRequest[],
  hosts: readonly HostConfiguration[],
  atRest = false,
): Promise<string[]> {
  const answer = await fetch(new URL('/simulator/state', simulatorUrl));
  const state = SimulatorState.parse(await answer.json());
  return requests.flatMap((request) => {
    const zhcpNode = hosts.find((host) => host.host === request.host)?.zhcpNode ?? '';
    return mismatchesOf(request, zhcpNode, state, atRest);
  });
}

/** The number of HTTP calls to the simulated management node so far. */
export async function httpCalls(simulatorUrl: string): Promise<number> {
  const answer = await fetch(new URL('/simulator/counters', simulatorUrl));
  return z.object({ httpCalls: z.number() }).parse(await answer.json()).httpCalls;
}
