import { BackendError } from '../backend/backend-error.ts';
import type { HostReading, HostRecord } from '../backend/reading.ts';
import type { Finding } from '../domain/drift/finding.ts';
import { type Checkpoint, EMPTY_CHECKPOINT } from '../domain/host/checkpoint.ts';
import { serverName } from '../domain/host/host.ts';
import { recordDifferences } from '../domain/migration/record-comparison.ts';
import type { Userid } from '../domain/text/identifiers.ts';
import type { HostRuntime } from './host-runtime.ts';

/** The record of the host's shadow backend, or why it could not be read; undefined without one. */
export async function readShadow({ shadow }: HostRuntime): Promise<HostRecord | { problem: string } | undefined> {
  try {
    return await shadow?.readRecord();
  } catch (error) {
    // The shadow hides nothing of the host: it is only compared.
    if (error instanceof BackendError) return { problem: `${error.message}: ${error.advice}` };
    throw error;
  }
}

/** The guests whose records differ between the two backends, a finding each. Nothing is repaired by them. */
export function disagreements(
  { backend, shadow }: HostRuntime,
  { recorded }: Pick<HostReading, 'recorded'>,
  read: Awaited<ReturnType<typeof readShadow>>,
): Finding[] {
  if (shadow === undefined || read === undefined) return [];
  const [server, other] = [serverName(backend.kind), serverName(shadow.kind)];
  if ('problem' in read) return [{ of: `shadow ${other}`, reason: `it could not be read: ${read.problem}` }];
  const userids = new Set<Userid>([...recorded.keys(), ...read.recorded.keys()]);
  return [...userids].toSorted().flatMap((userid) => {
    const ports = recorded.get(userid) ?? [];
    const shadowed = read.recorded.get(userid) ?? [];
    const differences = recordDifferences({ server, ports }, { server: other, ports: shadowed }, false);
    return differences.length === 0 ? [] : [{ of: `guest ${userid}`, reason: differences.join('; ') }];
  });
}

/**
 * The checkpoint as far as it is about the present backend. After a change of backends nothing is known of NICs whose ports the new record has
 * not: those of ports that were not brought over stay.
 */
export function recalled({ backend, shadow }: HostRuntime, kept: Checkpoint): Checkpoint {
  const down = kept.down ?? new Map();
  backend.recallDown?.(down);
  shadow?.recallDown?.(down);
  return kept.backend === undefined || kept.backend === backend.kind ? kept : EMPTY_CHECKPOINT;
}
