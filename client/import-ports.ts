import { setTimeout as sleep } from 'node:timers/promises';
import { type Client, WorkflowFailedError } from '@temporalio/client';
import { z } from 'zod';
import { MOST_PORTS } from '../domain/operations/requests.ts';
import { type Begun, beginOperation } from './begin-operation.ts';
import { digestOf } from './digest.ts';
import { workflowIdOf } from './operation-id.ts';
import { failureOf } from './operations.ts';
import type { GuestPortRequest } from './port-file.ts';

/** What became of one port of an import. */
export const PortOutcome = z.object({
  userid: z.string(),
  portId: z.string(),
  outcome: z.enum(['wired', 'unchanged', 'refused', 'failed']),
  vdev: z.string().optional(),
  mac: z.string().optional(),
  reason: z.string().optional(),
});
export type ImportedPort = { host: string } & z.infer<typeof PortOutcome>;

const Counts = z.object({ wired: z.number(), unchanged: z.number(), refused: z.number(), failed: z.number() });
export type ImportCounts = z.infer<typeof Counts>;

/** A part of an import that is one operation: ports of one host, those of a guest together. */
export type ImportPart = { host: string; ports: GuestPortRequest[] };

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

/** Start one part, or join the run of it that is in progress. What is wired already is left as it is. */
export function beginPart(
  client: Client,
  { host, ports }: ImportPart,
  how: { live: boolean; dryRun: boolean },
): Promise<Begun> {
  const input = { host, ...how, ports: ports.map(({ host: _host, ...port }) => port) };
  return beginOperation(client, {
    type: 'wirePorts',
    host,
    portIds: ports.map(({ portId }) => portId),
    workflowId: `wire-ports/${host}/import-${digestOf(input).slice(0, 12)}`,
    input,
    summary: `import ${ports.length} ports to ${host}`,
  });
}

/** Wait for a part's end; tells how far it is. Answers what became of each port, or undefined when `signal` ends the waiting. */
export async function followPart(
  client: Client,
  part: ImportPart,
  begun: Begun,
  tell: (counts: ImportCounts) => void,
  signal: AbortSignal,
): Promise<ImportedPort[] | undefined> {
  const handle = client.workflow.getHandle(workflowIdOf(begun.id));
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
    const { ports: done } = z.object({ ports: z.array(PortOutcome) }).parse(await result);
    return done.map((port) => ({ host, ...port }));
  } catch (error) {
    if (!(error instanceof WorkflowFailedError)) throw error;
    const { type, message } = failureOf(error.cause ?? error);
    const outcome = type === 'Refused' ? 'refused' : 'failed';
    return ports.map(({ userid, portId }) => ({ host, userid, portId, outcome, reason: message }));
  }
}
