import { isCancellation, setCurrentDetails, upsertSearchAttributes } from '@temporalio/workflow';
import type { z } from 'zod';
import type { DesiredPort } from '../network/desired.ts';
import type { Userid } from '../network/identifiers.ts';
import { refusalsOf } from '../network/refusal.ts';
import type { Change } from '../network/requests.ts';
import type { Vdev } from '../network/vdev.ts';
import {
  ZVM_HOST,
  ZVM_OUTCOME,
  ZVM_PORT,
  ZVM_USERID,
  ZVM_VLAN,
  ZVM_VSWITCH,
} from '../temporal-config/search-attributes.ts';
import { applicationFailureOf, reasonOf, refused } from './failures.ts';
import { runOnGuest } from './guest-turn.ts';

/** What an operation answers. */
export type OperationResult = {
  /** False when everything was so already, as after a repeat. */
  changed: boolean;
  /** The ports that the operation names, as they are now; none after a deletion. */
  ports: (Omit<DesiredPort, 'live'> & { live: 'now' | 'atNextLogon' })[];
  /** What was done, in order; says so when there was nothing to do. */
  steps: string[];
};

type Common = { host: string; userid: Userid; giveUpAfterMinutes: number; keepOnFailure: boolean };

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
  const { host, userid, giveUpAfterMinutes, keepOnFailure } = common;
  upsertSearchAttributes([
    { key: ZVM_HOST, value: host },
    { key: ZVM_USERID, value: userid },
    { key: ZVM_PORT, value: [...portIds] },
  ]);
  setCurrentDetails(summary);
  try {
    const result = await runOnGuest({ host, userid, change, giveUpAfterMinutes, keepOnFailure }, summary);
    upsertSearchAttributes([
      { key: ZVM_VSWITCH, value: [...new Set(result.ports.map((port) => port.vswitch))] },
      { key: ZVM_VLAN, value: [...new Set(result.ports.map((port) => vlanText(port)))] },
      { key: ZVM_OUTCOME, value: result.changed ? 'changed' : 'unchanged' },
    ]);
    const steps = result.changed ? result.steps : ['nothing to do: it is so already'];
    setCurrentDetails(`${summary}: done.\n\n${steps.map((step) => `- ${step}`).join('\n')}`);
    return { changed: result.changed, steps, ports: result.ports.map((port) => asReported(port, result.liveVdevs)) };
  } catch (error) {
    const outcome = isCancellation(error)
      ? 'cancelled'
      : applicationFailureOf(error)?.type === 'Refused'
        ? 'refused'
        : 'failed';
    upsertSearchAttributes([{ key: ZVM_OUTCOME, value: outcome }]);
    setCurrentDetails(`${summary}: ${outcome}.\n\n${reasonOf(error)}`);
    throw error;
  }
}

function asReported(port: DesiredPort, liveVdevs: readonly Vdev[]): OperationResult['ports'][number] {
  return { ...port, live: liveVdevs.includes(port.vdev) ? 'now' : 'atNextLogon' };
}

function vlanText(port: DesiredPort): string {
  return port.network.type === 'flat' ? 'flat' : String(port.network.segmentationId);
}
