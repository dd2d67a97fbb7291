import { setTimeout as sleep } from 'node:timers/promises';
import { type Client, WorkflowFailedError } from '@temporalio/client';
import { z } from 'zod';
import { MOST_PORTS } from '../domain/operations/host-operations.ts';
import { definitionOf } from '../domain/operations/operations.ts';
import { DEFAULT_OPTIONS } from '../domain/operations/requests.ts';
import { type PortOutcome, RESULTS } from '../domain/operations/results.ts';
import type { HostName } from '../domain/text/identifiers.ts';
import { workflowIdOf } from '../temporal-config/names.ts';
import { digestOf } from './digest.ts';
import { failureOf } from './operations.ts';
import type { Origin } from './origin.ts';
import type { GuestPortRequest } from './port-file.ts';
import { type StartedOperation, startOperation } from './start-operation.ts';

/** The outcome of one port of an import. */
export type ImportedPort = { host: string } & PortOutcome;

const Counts = z.object({
  wired: z.number(),
  unchanged: z.number(),
  refused: z.number(),
  failed: z.number(),
  /** The plan that awaits an approval or a window. */
  awaits: z.string().optional(),
});
export type ImportCounts = z.infer<typeof Counts>;

/** A part of an import that is one operation: ports of one host, those of a guest together. */
export type ImportPart = { host: HostName; ports: GuestPortRequest[] };

/** Cut ports into operations. Always the same for the same ports, so that an import that is started again finds what it has started. */
export function partsOf(ports: readonly GuestPortRequest[]): ImportPart[] {
  return [...Map.groupBy(ports, ({ host }) => host)].flatMap(([host, ofHost]) => {
    const parts: ImportPart[] = [];
    for (const ofGuest of Map.groupBy(ofHost, ({ userid }) => userid).values()) {
      const last = parts.at(-1);
      if (last !== undefined && last.ports.length + ofGuest.length <= MOST_PORTS) last.ports.push(...ofGuest);
      else parts.push({ host, ports: [...ofGuest] });
    }
    return parts;
  });
}

/** Start one part, or join the run of it that is in progress. Wired ports stay unchanged. */
export function startPart(
  client: Client,
  { host, ports }: ImportPart,
  options: { live: boolean; dryRun: boolean },
  origin?: Origin,
): Promise<StartedOperation> {
  const ofGuests = ports.map(({ host: _host, ...port }) => port);
  const input = { host, ...DEFAULT_OPTIONS, ...options, ports: ofGuests };
  const workflowId = `${definitionOf('wirePorts').idPrefix}/${host}/import-${digestOf(input).slice(0, 12)}`;
  return startOperation(client, { type: 'wirePorts', input }, { workflowId, origin });
}

/** Wait for a part's end and report its progress. Returns the outcome of each port, or undefined when `signal` ends the wait. */
export async function followPart(
  client: Client,
  part: ImportPart,
  started: StartedOperation,
  tell: (counts: ImportCounts) => void,
  signal: AbortSignal,
): Promise<ImportedPort[] | undefined> {
  const handle = client.workflow.getHandle(workflowIdOf(started.id));
  let ended = false;
  // The signal ends the request too, which is else open for twenty seconds.
  const result = client
    .withAbortSignal(signal, () => endingOf(handle.result(), part))
    .catch((error: unknown) => {
      if (!signal.aborted) throw error;
      return undefined;
    })
    .finally(() => {
      ended = true;
    });
  while (!ended && !signal.aborted) {
    const counts = Counts.safeParse(await handle.query('progress').catch(() => undefined));
    if (counts.success && !ended) tell(counts.data);
    await Promise.race([result, sleep(LOOK_MS, undefined, { signal }).catch(() => undefined)]);
  }
  return result;
}

const LOOK_MS = 300;

/** An operation that failed as a whole has failed for each of its ports. */
async function endingOf(result: Promise<unknown>, { host, ports }: ImportPart): Promise<ImportedPort[]> {
  try {
    const { ports: done } = RESULTS.wiring.parse(await result);
    return done.map((port) => ({ host, ...port }));
  } catch (error) {
    if (!(error instanceof WorkflowFailedError)) throw error;
    const { type, message } = failureOf(error.cause ?? error);
    const outcome = type === 'Refused' ? 'refused' : 'failed';
    return ports.map(({ userid, portId }) => ({ host, userid, portId, outcome, reason: message }));
  }
}
