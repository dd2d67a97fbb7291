import type { Client } from '@temporalio/client';
import { z } from 'zod';
import type { GuestPortRequest } from '../../client/port-file.ts';
import type { HostConfiguration } from '../../configuration/load.ts';
import { vlansOf } from '../../domain/port/port.ts';
import { runWorkers } from '../../runtime/host/run-workers.ts';
import { createLogger } from '../../runtime/process/logging.ts';
import { mismatchesOf, SimulatorState } from '../check.ts';
import { feilongHost } from '../embedded-hosts.ts';
import { startStack } from '../stack.ts';
import { type Feilong, startFeilong } from './server.ts';

/** The processes of the demonstration: Feilong on the zHCP of a simulated z/VM system, Temporal, and a worker of that host. */
export type FeilongStack = {
  client: Client;
  host: HostConfiguration;
  feilong: Feilong;
  simulatorUrl: string;
  uiUrl: string | undefined;
  stop(): Promise<void>;
};

/** Start the stack; `stop` stops its parts in reverse order. */
export async function startFeilongStack(options: { guests: number; say(line: string): void }): Promise<FeilongStack> {
  const { say, guests } = options;
  const undo: (() => Promise<void>)[] = [];
  const stop = async () => {
    for (const step of undo.splice(0).reverse()) await step();
  };
  try {
    const stack = await startStack({ hosts: 1, guestsPerHost: guests, say, withoutWorkers: true });
    undo.push(() => stack.stop());
    const [xcatHost] = stack.hosts;
    if (xcatHost === undefined) throw new Error('no embedded host');
    const { url: simulatorUrl } = stack.simulator;
    const feilong = await startFeilong({ simulatorUrl, zhcpNode: xcatHost.zhcpNode, say });
    undo.push(() => feilong.stop());
    const host = feilongHost(xcatHost, feilong);
    const workers = await runWorkers([host], stack.target, createLogger('warn'));
    undo.push(() => workers.stop());
    return { client: stack.client, host, feilong, simulatorUrl, uiUrl: stack.uiUrl, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

const Nics = z.object({
  output: z.array(z.object({ interface: z.string(), switch: z.string().nullable(), port: z.string().nullable() })),
});

/** The differences of z/VM and of Feilong's table from the requests, as sentences. */
export async function differences(
  { feilong, simulatorUrl }: Pick<FeilongStack, 'feilong' | 'simulatorUrl'>,
  requests: readonly GuestPortRequest[],
): Promise<string[]> {
  const state = SimulatorState.parse(await (await fetch(new URL('/simulator/state', simulatorUrl))).json());
  const answer = await fetch(`${feilong.url}/token`, {
    method: 'POST',
    headers: { 'x-admin-token': feilong.token ?? '' },
  });
  const headers = { 'x-auth-token': answer.headers.get('x-auth-token') ?? '' };
  const { output } = Nics.parse(await (await fetch(`${feilong.url}/guests/nics`, { headers })).json());
  return requests.flatMap((request) => {
    // Feilong's rows have no VLAN: z/VM alone shows it.
    const vlan = vlansOf(request.network).join('+') || '-1';
    const rows = output.map((row) => ({ ...row, vlan }));
    return mismatchesOf(request, 'zhcp1', { ...state, tables: { switch: rows } });
  });
}
