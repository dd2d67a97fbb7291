import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import type { Logger } from 'pino';
import type { ControlWatch } from '../../activities/write-gate.ts';
import { sayOfHost } from '../../client/host-control.ts';
import { connectClient, type TemporalTarget } from '../../client/temporal-connection.ts';
import type { WorkerIdentity } from '../../client/worker-identity.ts';
import { messageOf } from '../../domain/text/error-message.ts';
import { prepareExternal } from '../process/temporal-connection.ts';
import { watchControl } from './control-watch.ts';
import { watchEndedReadings } from './ended-readings.ts';
import { claimHost, type HostClaim, HostTaken } from './host-claim.ts';
import { bePresent } from './host-presence.ts';
import { createLeftBuilds, type LeftBuilds } from './left-builds.ts';
import { watchLostGuestRuns } from './lost-guest-runs.ts';
import { ensureReconcileSchedule, hasReconcileSchedule, type ReconcileTimes } from './reconcile-schedule.ts';
import { createTemporalMemory, type TemporalMemory } from './temporal-memory.ts';
import { knowsVersions, makeCurrent } from './worker-build.ts';

/** A missing Schedule is created again within a minute. The first checks come sooner, for workers that start at the same moment. */
const LOOK_MS = 20_000;
const FIRST_LOOK_MS = 2_000;
const ANSWER_MS = 10_000;
/** A build without a worker is asked, and waited for. */
const LEFT_BUILDS_MS = 40_000;
const READY_MS = 30_000;
const READY_PAUSE_MS = 1_000;

/** How a worker learns that Temporal's database was restored while it was away: by its own memory in a directory, or by an operator's word. */
export type Restart = { stateDirectory?: string; isRestored?: boolean };

/** Keeps what the workers of a process need at Temporal. `taken` fails when one of its hosts belongs to another worker. */
export type HostKeeper = {
  taken: Promise<never>;
  /** The operators' word on a host of the process. */
  controlOf(host: string): ControlWatch;
  /** Hosts of the process of which Temporal has not told anything for a minute. */
  unheard(): string[];
  /** The build that the workers of a process have: `own`, or '' where the server knows no versions. Throws what Temporal's client throws. */
  buildFor(own: string): Promise<string>;
  /** Once the workers ask for work: let new runs begin with their build, and look after builds that have no worker any more. Throws BuildNotTaken. */
  serve(build: string): Promise<void>;
  stop(): Promise<void>;
};

/**
 * Before workers start: check that no worker serves another z/VM system under the name of one of their hosts, and create each host's Schedule. Then
 * check both periodically: a server with a new database has no Schedule, and an operator may delete one. Throws HostTaken.
 */
export async function keepHosts(
  workers: readonly WorkerIdentity[],
  target: TemporalTarget,
  times: ReconcileTimes | undefined,
  logger: Logger,
  restart: Restart = {},
): Promise<HostKeeper> {
  const { client, close } = await connectClient(target);
  const hosts = times === undefined ? [] : workers.map(({ host }) => ({ host, ...times }));
  try {
    const memories = workers.map(({ host }) => createTemporalMemory(host, restart.stateDirectory, logger));
    if (restart.isRestored === true)
      for (const { host, identity } of workers)
        await sayOfHost(client, host, 'restored', { by: identity, reason: 'ZVM_RESTORED is set' });
    const claims = await Promise.all(workers.map((own) => claimHost(client, own)));
    for (const { host, ...every } of hosts) {
      await onceReady(() => ensureReconcileSchedule(client, host, every));
      logger.info({ host, ...every }, 'reconciliation scheduled');
    }
    const keepSchedules = async () => {
      for (const { host, ...every } of hosts) await keepSchedule(client, host, target, every, logger);
    };
    return looking(client, { workers, claims, keepSchedules, memories }, logger, close);
  } catch (error) {
    await close();
    throw error;
  }
}

/** Retry an attempt: a server knows a new namespace only after some seconds. */
async function onceReady(attempt: () => Promise<void>): Promise<void> {
  const deadline = performance.now() + READY_MS;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await sleep(READY_PAUSE_MS);
    }
  }
}

type Looked = { claims: readonly HostClaim[]; left: readonly LeftBuilds[]; keepSchedules(): Promise<void> };
type Kept = { workers: readonly WorkerIdentity[]; memories: readonly TemporalMemory[] } & Pick<
  Looked,
  'claims' | 'keepSchedules'
>;

function looking(
  client: Client,
  { workers, claims, keepSchedules, memories }: Kept,
  logger: Logger,
  close: () => Promise<void>,
): HostKeeper {
  const ended = new AbortController();
  const taken = Promise.withResolvers<never>();
  // Without a handler its failure would end a process that does not wait for it.
  taken.promise.catch(() => undefined);
  const left: LeftBuilds[] = [];
  const presences = workers.map((own) => bePresent(client, own, ended.signal));
  const controls = new Map(
    workers.map((own, index) => {
      const memory = memories[index] ?? createTemporalMemory(own.host, undefined, logger);
      return [own.host, watchControl(client, own, memory, logger, ended.signal)];
    }),
  );
  const watches = workers.flatMap(({ host }) => [
    watchLostGuestRuns(client, host, logger, ended.signal),
    watchEndedReadings(client, host, logger, ended.signal),
  ]);
  const looks = lookOn(client, { claims, left, keepSchedules }, logger, ended.signal).catch(taken.reject);
  let isVersioned = false;
  return {
    taken: taken.promise,
    controlOf(host) {
      const control = controls.get(host);
      if (control === undefined) throw new Error(`no worker of this process is for ${host}`);
      return control;
    },
    unheard: () => [...controls].flatMap(([host, control]) => (control.isGood() ? [] : [host])),
    async buildFor(own) {
      isVersioned = await knowsVersions(client);
      if (!isVersioned) logger.info('this Temporal server has no worker versioning: drain a host before an upgrade');
      return isVersioned ? own : '';
    },
    async serve(build) {
      if (!isVersioned) return;
      await Promise.all(workers.map(({ host }) => makeCurrent(client, host, build)));
      left.push(...workers.map(({ host }) => createLeftBuilds(host, build, logger)));
    },
    async stop() {
      ended.abort();
      await Promise.all([looks, ...presences, ...watches, ...[...controls.values()].map((control) => control.ended)]);
      await close();
    },
  };
}

/** Check until the signal is aborted. Throws HostTaken. */
async function lookOn(
  client: Client,
  { claims, left, keepSchedules }: Looked,
  logger: Logger,
  signal: AbortSignal,
): Promise<void> {
  let isAway = false;
  for (let pause = FIRST_LOOK_MS; !signal.aborted; pause = Math.min(2 * pause, LOOK_MS)) {
    await sleep(pause, undefined, { signal }).catch(() => undefined);
    if (signal.aborted) return;
    const look = () => Promise.all([...claims.map((claim) => claim.look(client)), keepSchedules()]);
    const lookAfterLeft = () => Promise.all(left.map((each) => each.look(client)));
    try {
      await client.withAbortSignal(signal, async () => {
        await client.withDeadline(Date.now() + ANSWER_MS, look);
        await client.withDeadline(Date.now() + LEFT_BUILDS_MS, lookAfterLeft);
      });
      isAway = false;
    } catch (error) {
      if (error instanceof HostTaken) throw error;
      if (signal.aborted) return;
      const reason = messageOf(error);
      logger[isAway ? 'debug' : 'warn'](
        { reason },
        'Temporal does not answer for Schedules and workers of the hosts: retried',
      );
      isAway = true;
    }
  }
}

async function keepSchedule(
  client: Client,
  host: string,
  target: TemporalTarget,
  times: ReconcileTimes,
  logger: Logger,
): Promise<void> {
  if (await hasReconcileSchedule(client, host)) return;
  // A new database lacks the search attributes too, without which no run can start.
  await prepareExternal(target);
  await ensureReconcileSchedule(client, host, times);
  logger.warn({ host, ...times }, 'Schedule of reconciliation was missing: created again');
}
