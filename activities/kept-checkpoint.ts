import type { Context } from '@temporalio/activity';
import { z } from 'zod';
import { defined } from '../domain/defined.ts';
import { type Checkpoint, EMPTY_CHECKPOINT } from '../domain/host/checkpoint.ts';
import { CHECKPOINT_PARTS, changesBetween, isUnchanged, withChanges } from '../domain/host/checkpoint-changes.ts';
import { PortId, Userid } from '../domain/text/identifiers.ts';
import { readCheckpoint, writeCheckpoint } from './checkpoint.ts';

/** A run of a reconciliation, by its Workflow ID. */
export type ReconcileRun = { workflowId: string; runId: string };

const Run = z.object({ workflowId: z.string(), runId: z.string() });
/** A checkpoint as the result of a run holds it: in full, or by its changes since that of an earlier run. */
const Kept = z.union([
  z.object({ run: Run, at: z.number(), full: z.string() }),
  z.object({
    run: Run,
    at: z.number(),
    /** Absent when nothing has changed but the place of the sweep. */
    changes: z
      .object({
        changed: z.string(),
        parts: z.array(z.enum(CHECKPOINT_PARTS)),
        gone: z.object({ guests: z.array(Userid), entries: z.array(Userid), ports: z.array(PortId) }),
      })
      .optional(),
    sweptUpTo: Userid.optional(),
  }),
]);

/** A checkpoint in full, in the result of `run`, written at `at` in milliseconds of Unix time, as text of so many characters. */
type Base = { run: ReconcileRun; at: number; checkpoint: Checkpoint; length: number };

/** The checkpoint of a host, from one reconciliation to the next. */
export type CheckpointKeeper = {
  /** The checkpoint that the last run left, and how this run leaves its own. `fetch` answers what the result of a run holds. */
  open(
    text: string | undefined,
    fetch: (run: ReconcileRun) => Promise<string | undefined>,
  ): Promise<{ checkpoint: Checkpoint; write(now: Checkpoint, own: ReconcileRun, isContinued: boolean): Written }>;
};

/** The text for the result of a run; later ones rest on it when it is full. */
type Written = { text: string; isFull: boolean };

// Well inside the shortest time for which a server keeps closed runs, a day.
const BASE_IS_GOOD_MS = 6 * 3_600_000;
/** Changes that are longer than this part of the whole are not worth a second look-up, unless they are this short. */
const WORTH = 1 / 4;
const ALWAYS_WORTH = 1_000;

/**
 * Create the keeper of one worker. Each run's history has its checkpoint four times, and there are thousands of runs a day: so a result has the whole
 * a few times a day, and else what has changed since, for an idle host two hundred bytes.
 */
export function createCheckpointKeeper(now: () => number = Date.now): CheckpointKeeper {
  let known: Base | undefined;

  const baseOf = async (
    run: ReconcileRun,
    fetch: (run: ReconcileRun) => Promise<string | undefined>,
  ): Promise<Base | undefined> => {
    if (known?.run.runId === run.runId) return known;
    const kept = keptIn(await fetch(run));
    return kept !== undefined && 'full' in kept ? asBase(kept) : undefined;
  };

  return {
    async open(text, fetch) {
      const kept = keptIn(text);
      const base = kept === undefined ? undefined : 'full' in kept ? asBase(kept) : await baseOf(kept.run, fetch);
      known = base;
      return {
        checkpoint: opened(text, kept, base),
        write(checkpoint, own, isContinued) {
          // A run that continued another has the checkpoint from its input: no result holds it.
          if (base !== undefined && !isContinued && now() - base.at < BASE_IS_GOOD_MS) {
            const changes = changesTo(base, checkpoint);
            if (changes.length < Math.max(ALWAYS_WORTH, base.length * WORTH)) return { text: changes, isFull: false };
          }
          const text = JSON.stringify({ run: own, at: now(), full: writeCheckpoint(checkpoint) });
          return { text, isFull: true };
        },
      };
    },
  };
}

/** The changes since a base, as text. */
function changesTo({ run, at, checkpoint }: Base, now: Checkpoint): string {
  const changes = changesBetween(checkpoint, now);
  const { changed, parts, gone } = changes;
  const rest = isUnchanged(changes)
    ? { sweptUpTo: now.sweptUpTo }
    : { changes: { changed: writeCheckpoint(changed), parts, gone } };
  return JSON.stringify({ run, at, ...rest });
}

const Result = z.object({ host: z.string(), checkpoint: z.string() });
const NO_RESULT = ['WorkflowNotFoundError', 'WorkflowFailedError', 'WorkflowContinuedAsNewError'];

/** The checkpoint in the result of a reconciliation of the host; undefined when the run has none, or is no longer kept. */
export async function checkpointIn(
  client: Context['client'],
  host: string,
  { workflowId, runId }: ReconcileRun,
): Promise<string | undefined> {
  try {
    const result: unknown = await client.workflow.getHandle(workflowId, runId, { followRuns: false }).result();
    const { data } = Result.safeParse(result);
    return data?.host === host ? data.checkpoint : undefined;
  } catch (error) {
    if (error instanceof Error && NO_RESULT.includes(error.name)) return undefined;
    throw error;
  }
}

function asBase({ run, at, full }: Extract<z.infer<typeof Kept>, { full: string }>): Base {
  return { run, at, checkpoint: readCheckpoint(full), length: full.length };
}

/** True of the text of a checkpoint that other runs may rest on. */
export function isWhole(text: string): boolean {
  const kept = keptIn(text);
  return kept === undefined || 'full' in kept;
}

function keptIn(text: string | undefined): z.infer<typeof Kept> | undefined {
  if (text?.startsWith('{') !== true) return undefined;
  try {
    return Kept.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

/** A checkpoint whose base is no longer there remembers nothing, as that of a host that is seen for the first time. */
function opened(text: string | undefined, kept: z.infer<typeof Kept> | undefined, base: Base | undefined): Checkpoint {
  // Results of earlier versions hold the bare text.
  if (kept === undefined) return readCheckpoint(text);
  if (base === undefined) return EMPTY_CHECKPOINT;
  if ('full' in kept) return base.checkpoint;
  const { sweptUpTo, changes } = kept;
  if (changes === undefined) {
    const { sweptUpTo: _before, ...rest } = base.checkpoint;
    return { ...rest, ...defined({ sweptUpTo }) };
  }
  return withChanges(base.checkpoint, { ...changes, changed: readCheckpoint(changes.changed) });
}
