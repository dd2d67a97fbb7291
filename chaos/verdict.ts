import { expectedAfter } from './model.ts';
import type { Operation } from './operation.ts';
import { type DoneWord, orderOn } from './order.ts';
import type { GuestPlace, PortPlace } from './places.ts';
import type { SimulatorEvent, SimulatorState } from './simulator.ts';
import { differencesOf, doublesOf } from './state-check.ts';

/** The input of the checker: the accepted operations from Temporal, and the state of z/VM from the simulator. */
export type Evidence = {
  guests: readonly GuestPlace[];
  operations: readonly Operation[];
  simulator: SimulatorState;
  events: readonly SimulatorEvent[];
  zhcp: string;
  /** Workflow IDs of operations and guest runs that are still open long after everything was restored. */
  open: readonly string[];
  /** Workflow IDs that were reported to an issuer as accepted and that Temporal does not know. */
  lost: readonly string[];
  /** Guests that could not be changed at the end, with the attempted operation. */
  stuck: readonly string[];
};

export type FindingKind = 'inverted' | 'wrongLastWord' | 'doubled' | 'locked' | 'wrongAnswer';
/** A finding, with the ids to look it up. */
export type Finding = { kind: FindingKind; text: string; userid?: string; portId?: string; workflowIds: string[] };

export type Verdict = { findings: Finding[]; pairs: number; unobserved: number };

/** Judge a run, without knowledge of how operations are carried out. */
export function judge(evidence: Evidence): Verdict {
  const { guests, operations, events, simulator, zhcp } = evidence;
  const verdict: Verdict = { findings: [], pairs: 0, unobserved: 0 };
  for (const place of guests.flatMap((guest) => guest.ports)) {
    const words = operations.flatMap((operation) =>
      operation.words
        .filter((word) => word.portId === place.portId)
        .map((word) => ({ ...word, endedAt: operation.endedAt ?? Number.POSITIVE_INFINITY })),
    );
    const done = words.filter((word) => word.answer === 'carriedOut');
    const { pairs, unobserved, inversions } = orderOn(place, done, events);
    verdict.pairs += pairs;
    verdict.unobserved += unobserved;
    const { states, wrongAnswers } = expectedAfter(words);
    const differences = differencesOf(place, states, simulator, zhcp);
    verdict.findings.push(
      ...inversions.map(({ earlier, later }) => inverted(place, earlier, later)),
      ...wrongAnswers.map((word) => wrongAnswer(place, word)),
      ...(differences.length === 0 ? [] : [wrongLastWord(place, words, differences)]),
    );
  }
  const userids = guests.map(({ userid }) => userid);
  const plain = (kind: FindingKind, text: string, workflowIds: string[] = []) => ({ kind, text, workflowIds });
  verdict.findings.push(
    ...doublesOf(userids, simulator, zhcp).map((text) => plain('doubled', text)),
    ...evidence.open.map((workflowId) => plain('locked', 'it has not ended', [workflowId])),
    ...evidence.lost.map((workflowId) =>
      plain('locked', 'it was accepted, and Temporal does not know it', [workflowId]),
    ),
    ...evidence.stuck.map((text) => plain('locked', text)),
  );
  return verdict;
}

/** The number of findings of a kind. */
export function countOf({ findings }: Verdict, kind: FindingKind): number {
  return findings.filter((finding) => finding.kind === kind).length;
}

function inverted(place: PortPlace, earlier: DoneWord, later: DoneWord): Finding {
  const gap = later.acceptedAt - earlier.acceptedAt;
  const text = `${describe(later)} was accepted ${gap} ms after ${describe(earlier)}, and carried out before it`;
  return { kind: 'inverted', text, ...whereOf(place), workflowIds: [earlier.workflowId, later.workflowId] };
}

function wrongAnswer(
  place: PortPlace,
  word: Pick<DoneWord, 'type' | 'change' | 'answer' | 'acceptedAt' | 'workflowId'>,
): Finding {
  const answer =
    word.answer === 'refused' ? 'was refused, and had to be granted' : 'was granted, and had to be refused';
  const text = `${describe(word)} ${answer} by what was accepted before it`;
  return { kind: 'wrongAnswer', text, ...whereOf(place), workflowIds: [word.workflowId] };
}

function wrongLastWord(place: PortPlace, words: readonly DoneWord[], differences: readonly string[]): Finding {
  const last = words
    .filter((word) => word.answer === 'carriedOut')
    .toSorted((one, other) => one.acceptedAt - other.acceptedAt)
    .slice(-3);
  const text = `${differences.join('; ')}. The last words: ${last.map(describe).join(', then ') || 'none'}`;
  return { kind: 'wrongLastWord', text, ...whereOf(place), workflowIds: last.map(({ workflowId }) => workflowId) };
}

function whereOf({ userid, portId }: PortPlace): { userid: string; portId: string } {
  return { userid, portId };
}

function describe({ type, change, acceptedAt }: Pick<DoneWord, 'type' | 'change' | 'acceptedAt'>): string {
  const { kind, ...values } = change;
  const words = Object.entries(values).map(([name, value]) => `${name} ${value}`);
  return `${type}${words.length === 0 ? '' : ` (${words.join(', ')})`} at ${new Date(acceptedAt).toISOString().slice(11, 23)}`;
}
