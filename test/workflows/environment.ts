import { randomUUID } from 'node:crypto';
import type { Client } from '@temporalio/client';
import { pino } from 'pino';
import { inject, vi } from 'vitest';
import type { NeutronSource } from '../../activities/host-runtime.ts';
import { workersOf } from '../../client/known-hosts.ts';
import { connectClient, localTarget } from '../../client/temporal-connection.ts';
import type { HostConfiguration } from '../../configuration/load.ts';
import { SimulatorState } from '../../demo/check.ts';
import { embeddedHosts } from '../../demo/embedded-hosts.ts';
import { defined } from '../../domain/defined.ts';
import type { GuestOperationType } from '../../domain/operations/operations.ts';
import { runWorkers } from '../../runtime/host/run-workers.ts';
import { type Simulator, type SimulatorOptions, startSimulator } from '../../simulator/simulator.ts';
import type { OperationResult } from '../../workflows/operation.ts';
import { bundledWorkflows } from '../bundled-workflows.ts';
import { startRun } from './start.ts';

export const FLAT = { type: 'flat' } as const;
export const vlan = (segmentationId: number) => ({ type: 'vlan', segmentationId }) as const;

type Type = GuestOperationType;
/** Requests to xCAT that are held until they are let go. */
export type Hold = {
  /** There is one. */
  reached(): Promise<void>;
  release(): Promise<void>;
};
export type Event = { seq: number; type: string; userid?: string; [key: string]: unknown };

/** One simulated z/VM system with a worker of its own on the test run's Temporal server. */
export type Environment = {
  client: Client;
  simulator: Simulator;
  configuration: HostConfiguration;
  host: string;
  /** Run an operation to its end. */
  run(type: Type, input: Record<string, unknown>): Promise<OperationResult>;
  /** The guest in the simulator, with its authorisations by VSWITCH and its rows of the switch table. */
  guest(userid: string): Promise<GuestView>;
  events(since?: number): Promise<Event[]>;
  control(method: string, path: string, body?: unknown): Promise<unknown>;
  /** Hold the requests that fit one of these, before xCAT does what they ask for or after. */
  hold(match: object | readonly object[], when?: 'before' | 'after'): Promise<Hold>;
  close(): Promise<void>;
};

export type GuestView = SimulatorState['systems'][string]['guests'][string] & {
  granted: Record<string, number[]>;
  rows: Record<string, string | null>[];
};

export async function createEnvironment(
  options: SimulatorOptions = {},
  workerToo = true,
  configured: Partial<HostConfiguration> = {},
  neutron?: NeutronSource,
): Promise<Environment> {
  // Most operations are proved where grants authorise; a test on directory network authorization names its release.
  const simulator = await startSimulator({ hosts: 1, guests: 10, release: '6.3', ...options });
  const environment = await createEnvironmentOn(simulator, 1, configured, workerToo, neutron);
  return {
    ...environment,
    close: async () => {
      await environment.close();
      await simulator.close();
    },
  };
}

/** The `number`th z/VM system of a simulator that is there, with a worker of its own. */
export async function createEnvironmentOn(
  simulator: Simulator,
  number: number,
  configured: Partial<HostConfiguration> = {},
  workerToo = true,
  neutron?: NeutronSource,
): Promise<Environment> {
  const host = configured.host ?? `zvm-${randomUUID().slice(0, 8)}`;
  const embedded = embeddedHosts(simulator.url, number).at(-1);
  if (embedded === undefined) throw new Error('no embedded host');
  const { xcat, ...common } = embedded;
  const server = configured.feilong === undefined ? defined({ xcat }) : {};
  const configuration = { ...common, ...server, host, ...configured };
  const target = localTarget(inject('temporalAddress'), inject('temporalNamespace'));
  const workers = workerToo
    ? await runWorkers(
        [configuration],
        target,
        pino({ level: 'silent' }),
        undefined,
        neutron === undefined ? undefined : { sourceFor: () => neutron },
        { bundle: await bundledWorkflows() },
      )
    : undefined;
  const { client, close } = await connectClient(target);
  const control = async (method: string, path: string, body?: unknown): Promise<unknown> => {
    const answer = await fetch(new URL(`/simulator/${path}`, simulator.url), {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    });
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
    const text = await answer.text();
    return text === '' ? undefined : JSON.parse(text);
  };
  // Until its worker has asked for work, a host counts as one without a worker.
  if (workerToo) await vi.waitUntil(async () => (await workersOf(client, host)) > 0, { timeout: 90_000 });
  return {
    client,
    simulator,
    configuration,
    host,
    control,
    hold: (match, when = 'before') => holdOn(control, [match].flat(), when),
    run: async (type, input) => (await startRun(client, type, { host, ...input })).result(),
    events: async (since = 0) => (await control('GET', `events?since=${since}`)) as Event[],
    guest: async (userid) => viewOf(SimulatorState.parse(await control('GET', 'state')), embedded.zhcpNode, userid),
    close: async () => {
      await workers?.stop();
      await close();
    },
  };
}

async function holdOn(
  control: Environment['control'],
  matches: readonly object[],
  when: 'before' | 'after',
): Promise<Hold> {
  const rules = await Promise.all(
    matches.map(
      async (match) => (await control('POST', 'faults', { match, action: { kind: 'hold', when } })) as { id: string },
    ),
  );
  const ids = rules.map(({ id }) => id);
  const held = async () => {
    const now = (await control('GET', 'faults')) as { id: string; held: number }[];
    return now.some((rule) => ids.includes(rule.id) && rule.held > 0);
  };
  return {
    // Where tests run side by side, `expect.poll` does not know of which it is.
    reached: async () => void (await vi.waitUntil(held, { timeout: 90_000 })),
    release: async () => void (await Promise.all(ids.map((id) => control('DELETE', `faults/${id}`)))),
  };
}

function viewOf(state: SimulatorState, zhcpNode: string, userid: string): GuestView {
  const system = state.systems[zhcpNode];
  const guest = system?.guests[userid];
  if (system === undefined || guest === undefined) throw new Error(`no guest ${userid}`);
  const granted = Object.entries(system.vswitches).flatMap(([name, { authorisations }]): [string, number[]][] => {
    const entry = authorisations[userid];
    return entry === undefined ? [] : [[name, entry.vlans]];
  });
  const rows = (state.tables.switch ?? []).filter((row) => row.node === userid.toLowerCase());
  return { ...guest, granted: Object.fromEntries(granted), rows };
}

/** A port id that reads as its number. */
export function portId(number: number): string {
  return `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`;
}

/** Wait until what is started next has another time of acceptance, which Temporal gives in milliseconds. */
export async function laterThanNow(): Promise<void> {
  const now = Date.now();
  await vi.waitUntil(() => Date.now() > now, { interval: 1 });
}

/** A cancelled run has noticed: it has told its activity, or has ended. Until then it may end as if it had not been cancelled. */
export async function hasHeardOfCancel(client: Client, workflowId: string): Promise<boolean> {
  const run = client.workflow.getHandle(workflowId);
  const { events } = await run.fetchHistory();
  if (events?.some((event) => event.activityTaskCancelRequestedEventAttributes)) return true;
  return (await run.describe()).status.name !== 'RUNNING';
}

/** The failure that an operation ends with. */
export async function failureOf(
  operation: Promise<unknown>,
): Promise<{ type: string; message: string; details: unknown[] }> {
  try {
    await operation;
  } catch (error) {
    const { cause } = error as { cause?: { type?: string; message?: string; details?: unknown[] } };
    return { type: cause?.type ?? '', message: cause?.message ?? '', details: cause?.details ?? [] };
  }
  throw new Error('the operation did not fail');
}
