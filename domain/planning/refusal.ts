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

/** Turn zod's issues with a request into refusals, one per field; `whole` names the request where no field of it is at fault. */
export function refusalsOf({ issues }: Pick<z.core.$ZodError, 'issues'>, whole = 'input'): Refusal[] {
  return issues
    .flatMap(issuesIn)
    .map(({ path, message }) =>
      refusal(path.join('.') || whole, message, 'correct the field, then send the request again'),
    );
}

type Issue = z.core.$ZodIssue;

/** Of a union's forms, the mistakes in the one that was meant: it knows most of the keys that are given, then has the fewest mistakes. */
function issuesIn(issue: Issue): Issue[] {
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => ({ ...issue, path: [...issue.path, key], message: `${key} is not a known field` }));
  if (issue.code !== 'invalid_union') return [issue];
  const forms = issue.errors
    .filter((issues) => issues.length > 0)
    .map((issues) => ({ issues, unknown: unknownKeys(issues) }))
    .toSorted((one, other) => one.unknown - other.unknown || one.issues.length - other.issues.length);
  const [meant, next] = forms;
  if (meant === undefined) return [issue];
  const isUnclear =
    meant.unknown === next?.unknown &&
    meant.issues.length === next.issues.length &&
    JSON.stringify(meant.issues) !== JSON.stringify(next.issues);
  if (isUnclear) return [issue];
  return meant.issues.flatMap(issuesIn).map((inner) => ({ ...inner, path: [...issue.path, ...inner.path] }));
}

/** A form that refuses the keys as a whole knows none of them. */
function unknownKeys(issues: readonly Issue[]): number {
  if (issues.some(({ code, path }) => code === 'custom' && path.length === 0)) return Number.POSITIVE_INFINITY;
  return issues.flatMap((issue) => (issue.code === 'unrecognized_keys' ? issue.keys : [])).length;
}

/** All refusals as one message, each with its field and what can be done. */
export function describeRefusals(refusals: readonly Refusal[]): string {
  return refusals.map(({ field, reason, advice }) => `${field}: ${reason} (${advice})`).join('; ');
}

/** The refusal of a word on a port after a later one: the last accepted word holds. */
export function overtakenRefusal(portId: PortId, later: string): Refusal {
  const reason = `a later operation on port ${portId} has been carried out: ${later}`;
  return refusal('portId', reason, 'send the request again if it is still wanted');
}
