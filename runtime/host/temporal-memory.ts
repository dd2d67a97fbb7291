import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Client, WorkflowNotFoundError } from '@temporalio/client';
import type { Logger } from 'pino';
import { z } from 'zod';
import { messageOf } from '../../domain/text/error-message.ts';

/** A run for which this worker has written. */
export type ServedRun = { workflowId: string; runId: string };

const Remembered = z.array(z.object({ workflowId: z.string(), runId: z.string(), at: z.number() }));
type Remembered = z.infer<typeof Remembered>;

/**
 * The last runs of a host that its worker has worked for, outside of Temporal: a Temporal that does not know one of them was restored from an older
 * dump. Without a directory they last as long as the process.
 */
export type TemporalMemory = {
  keep(run: ServedRun): void;
  /**
   * Why Temporal's database is older than what is remembered; undefined when it is not. Runs from before `settledAt`, in milliseconds of Unix time, and
   * those that Temporal may have deleted by their age, do not count; of the others the last `most` do. Throws what Temporal's client throws.
   */
  lost(client: Client, settledAt: number, most: number): Promise<string | undefined>;
  forget(): void;
};

const MOST_RUNS = 10;
const WRITE_MS = 1_000;
const AGAIN_MS = 2_000;
/** Part of the retention after which a run may be gone by its age: clocks differ. */
const SURE_PART = 0.9;

/** The memory of one host. An unreadable file counts as none, and is reported. */
export function createTemporalMemory(host: string, directory: string | undefined, logger: Logger): TemporalMemory {
  const file = directory === undefined ? undefined : join(directory, `${host}.runs.json`);
  let runs = file === undefined ? [] : readRuns(file, host, logger);
  let isDue = false;
  let retention: number | undefined;
  const write = () => {
    isDue = false;
    if (file === undefined) return;
    // Workers of one host may share the directory, as two versions of one do during an upgrade.
    const beside = `${file}.${hostname()}-${process.pid}`;
    try {
      writeFileSync(beside, JSON.stringify(runs), { mode: 0o600 });
      renameSync(beside, file);
    } catch (error) {
      logger.error(
        { host, file, reason: messageOf(error) },
        'a restored Temporal will not be noticed: the file cannot be written',
      );
    }
  };
  return {
    keep({ workflowId, runId }) {
      if (runs.at(-1)?.runId === runId) return;
      runs = [...runs.filter((run) => run.runId !== runId), { workflowId, runId, at: Date.now() }].slice(-MOST_RUNS);
      // At once: what follows may be the last that this process does. Then seldom.
      if (isDue) return;
      write();
      isDue = true;
      setTimeout(write, WRITE_MS).unref();
    },
    async lost(client, settledAt, most) {
      const young = runs.filter(({ at }) => at > settledAt).slice(-Math.min(most, MOST_RUNS));
      if (young.length === 0) return undefined;
      retention ??= await retentionMs(client);
      const since = Date.now() - SURE_PART * retention;
      for (const { workflowId, runId, at } of young.filter((run) => run.at > since))
        if (!(await isKnown(client, { workflowId, runId })) && !(await isKnownSoon(client, { workflowId, runId })))
          return `Temporal does not know the run ${runId} of ${workflowId}, on which this worker worked at ${new Date(at).toISOString()}: its database was restored from an older dump`;
      return undefined;
    },
    forget() {
      runs = [];
      write();
    },
  };
}

function readRuns(file: string, host: string, logger: Logger): Remembered {
  try {
    return Remembered.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch (error) {
    const isFirst = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    if (!isFirst)
      logger.error({ host, file, reason: messageOf(error) }, 'the memory of runs is unreadable: begun anew');
    return [];
  }
}

/** A server that has just started is asked twice: holding a host for nothing would stop its operations. */
async function isKnownSoon(client: Client, run: ServedRun): Promise<boolean> {
  await sleep(AGAIN_MS);
  return isKnown(client, run);
}

async function isKnown(client: Client, { workflowId, runId }: ServedRun): Promise<boolean> {
  try {
    await client.workflow.getHandle(workflowId, runId).describe();
    return true;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return false;
    throw error;
  }
}

/** How long Temporal keeps an ended run, in milliseconds. */
async function retentionMs(client: Client): Promise<number> {
  const { namespace } = client.options;
  const { config } = await client.workflowService.describeNamespace({ namespace });
  return Number(config?.workflowExecutionRetentionTtl?.seconds ?? 0) * 1_000;
}
