import type { z } from 'zod';
import type { PortId } from '../text/identifiers.ts';

/** Why a request is not carried out. Nothing was touched. */
export type Refusal = {
  /** The field of the request that is at fault: `mac`, `network.segmentationId`, `ports.0.vdev`. */
  field: string;
  reason: string;
  /** The reader's way out. */
  advice: string;
  /** It is in somebody's way who may be about to leave: the same request may be granted soon. */
  transient?: true;
};

/** A port that a bulk change leaves out, and why. */
export type RefusedPort = { portId: PortId; refusals: Refusal[] };

/** Build a refusal. */
export function refusal(field: string, reason: string, advice: string): Refusal {
  return { field, reason, advice };
}

/** True when nothing but a condition of the request stands in its way: things have changed since its sender has looked. */
export function isOvertaken(refusals: readonly Pick<Refusal, 'field'>[]): boolean {
  return refusals.some(({ field }) => field.startsWith('onlyIf.'));
}

/** Turn zod's issues with a request into refusals, one per field. */
export function refusalsOf(error: z.ZodError): Refusal[] {
  return error.issues.map((issue) =>
    refusal(issue.path.join('.') || 'input', issue.message, 'correct the field and send the request again'),
  );
}

/** All refusals as one message, each with its field and what can be done. */
export function describeRefusals(refusals: readonly Refusal[]): string {
  return refusals.map(({ field, reason, advice }) => `${field}: ${reason} (${advice})`).join('; ');
}

/** The refusal of a word on a port after a later one: the last accepted word holds. */
export function overtakenRefusal(portId: PortId, later: string): Refusal {
  const reason = `a later operation on port ${portId} has been carried out: ${later}`;
  return refusal('portId', reason, 'nothing to do, unless this is still wanted: then send it again');
}
