import type { Operation } from './accepted.ts';
import type { GuestPlace, PortPlace } from './layout.ts';
import { expectedAfter } from './model.ts';
import { type Deed, orderOn } from './order.ts';
import type { SimulatorEvent, SimulatorState } from './simulator-state.ts';
import { differencesOf, doublesOf } from './state-check.ts';

/** All that the checker is given: what was accepted, by Temporal's own word, and what z/VM shows, by the simulator's. */
export type Evidence = {
  guests: readonly GuestPlace[];
  operations: readonly Operation[];
  simulator: SimulatorState;
  events: readonly SimulatorEvent[];
  zhcp: string;
  /** Workflow IDs of operations and guest runs that are open though all has come back and time enough has passed. */
  open: readonly string[];
  /** Workflow IDs that an issuer was told of as accepted, and that Temporal does not know. */
  lost: readonly string[];
  /** Guests that could not be changed in the end, with what was tried. */
  stuck: readonly string[];
};

export type FindingKind = 'inverted' | 'wrongLastWord' | 'doubled' | 'locked' | 'wrongAnswer';
/** One thing that is wrong, with what is needed to look it up. */
export type Finding = { kind: FindingKind; text: string; userid?: string; portId?: string; workflowIds: string[] };

export type Verdict = { findings: Finding[]; pairs: number; unobserved: number };

/** Judge a run. It knows nothing of how operations are carried out. */
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

/** How many findings there are of a kind. */
export function countOf({ findings }: Verdict, kind: FindingKind): number {
  return findings.filter((finding) => finding.kind === kind).length;
}

function inverted(place: PortPlace, earlier: Deed, later: Deed): Finding {
  const gap = later.acceptedAt - earlier.acceptedAt;
  const text = `${said(later)} was accepted ${gap} ms after ${said(earlier)}, and carried out before it`;
  return { kind: 'inverted', text, ...whereOf(place), workflowIds: [earlier.workflowId, later.workflowId] };
}

function wrongAnswer(
  place: PortPlace,
  word: Pick<Deed, 'type' | 'ask' | 'answer' | 'acceptedAt' | 'workflowId'>,
): Finding {
  const answer =
    word.answer === 'refused' ? 'was refused, and had to be granted' : 'was granted, and had to be refused';
  const text = `${said(word)} ${answer} by what was accepted before it`;
  return { kind: 'wrongAnswer', text, ...whereOf(place), workflowIds: [word.workflowId] };
}

function wrongLastWord(place: PortPlace, words: readonly Deed[], differences: readonly string[]): Finding {
  const last = words
    .filter((word) => word.answer === 'carriedOut')
    .toSorted((one, other) => one.acceptedAt - other.acceptedAt)
    .slice(-3);
  const text = `${differences.join('; ')}. The last words: ${last.map(said).join(', then ') || 'none'}`;
  return { kind: 'wrongLastWord', text, ...whereOf(place), workflowIds: last.map(({ workflowId }) => workflowId) };
}

function whereOf({ userid, portId }: PortPlace): { userid: string; portId: string } {
  return { userid, portId };
}

function said({ type, ask, acceptedAt }: Pick<Deed, 'type' | 'ask' | 'acceptedAt'>): string {
  const { kind, ...values } = ask;
  const words = Object.entries(values).map(([name, value]) => `${name} ${value}`);
  return `${type}${words.length === 0 ? '' : ` (${words.join(', ')})`} at ${new Date(acceptedAt).toISOString().slice(11, 23)}`;
}
