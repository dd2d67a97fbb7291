import { isCancellation, setCurrentDetails, upsertSearchAttributes } from '@temporalio/workflow';
import type { z } from 'zod';
import type { DesiredPort } from '../network/desired.ts';
import type { Userid } from '../network/identifiers.ts';
import { vlansOf } from '../network/port.ts';
import { refusalsOf } from '../network/refusal.ts';
import type { Change } from '../network/requests.ts';
import type { Vdev } from '../network/vdev.ts';
import { ZVM_OUTCOME, ZVM_VLAN, ZVM_VSWITCH } from '../temporal-config/search-attributes.ts';
import { applicationFailureOf, reasonOf, refused } from './failures.ts';
import { findable } from './findable.ts';
import { guestTurns } from './guest-turn.ts';

/** What an operation answers. */
export type OperationResult = {
  /** False when everything was so already, as after a repeat. */
  changed: boolean;
  /** True when nothing was done: the steps are what would be. */
  dryRun?: boolean;
  /** The ports that the operation names, as they are now; none after a deletion. */
  ports: (Omit<DesiredPort, 'live'> & { live: 'now' | 'atNextLogon' })[];
  /** What was done, in order; says so when there was nothing to do. */
  steps: string[];
};

/** What every operation takes besides its own fields. */
export type Common = {
  host: string;
  userid: Userid;
  giveUpAfterMinutes: number;
  keepOnFailure: boolean;
  dryRun: boolean;
};

/** Parse a workflow's input. Throws a `Refused` failure that names each field at fault. */
export function parseInput<Schema extends z.ZodType>(schema: Schema, input: unknown): z.output<Schema> {
  const parsed = schema.safeParse(input);
  if (!parsed.success) throw refused(refusalsOf(parsed.error));
  return parsed.data;
}

/** Carry out a change of one guest: make it findable, wait for the guest's turn, run it, and say what came of it. */
export async function operate(
  common: Common,
  change: Change,
  portIds: readonly string[],
  summary: string,
): Promise<OperationResult> {
  const turns = guestTurns();
  const { host, userid, giveUpAfterMinutes, keepOnFailure, dryRun } = common;
  findable(host, userid, portIds);
  setCurrentDetails(summary);
  try {
    const result = await turns.run({ host, userid, change, giveUpAfterMinutes, keepOnFailure, dryRun }, summary);
    upsertSearchAttributes([
      { key: ZVM_VSWITCH, value: [...new Set(result.ports.map((port) => port.vswitch))] },
      { key: ZVM_VLAN, value: [...new Set(result.ports.flatMap((port) => vlanTexts(port)))] },
      { key: ZVM_OUTCOME, value: result.changed ? 'changed' : 'unchanged' },
    ]);
    const steps = result.steps.length > 0 ? result.steps : ['nothing to do: it is so already'];
    setCurrentDetails(
      `${summary}: ${dryRun ? 'to be done' : 'done'}.\n\n${steps.map((step) => `- ${step}`).join('\n')}`,
    );
    const ports = result.ports.map((port) => asReported(port, result.liveVdevs));
    return { changed: result.changed, ...(dryRun ? { dryRun } : {}), steps, ports };
  } catch (error) {
    const outcome = outcomeOf(error);
    upsertSearchAttributes([{ key: ZVM_OUTCOME, value: outcome }]);
    setCurrentDetails(`${summary}: ${outcome}.\n\n${reasonOf(error)}`);
    throw error;
  }
}

/** How a run ended that did not reach what it was for, as search attribute. */
export function outcomeOf(error: unknown): 'cancelled' | 'refused' | 'failed' {
  if (isCancellation(error)) return 'cancelled';
  return applicationFailureOf(error)?.type === 'Refused' ? 'refused' : 'failed';
}

function asReported(port: DesiredPort, liveVdevs: readonly Vdev[]): OperationResult['ports'][number] {
  return { ...port, live: liveVdevs.includes(port.vdev) ? 'now' : 'atNextLogon' };
}

function vlanTexts({ network }: DesiredPort): string[] {
  return network.type === 'flat' ? ['flat'] : vlansOf(network).map(String);
}
