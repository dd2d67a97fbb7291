/** A port as it should be: not there, or on a VLAN, up or down, with a NIC on the running guest or without. */
export type PortState = null | { vlan: number; up: boolean; live: boolean };

/** One operation's word on one port. */
export type Ask =
  | { kind: 'create'; vlan: number; up: boolean; live?: boolean }
  | { kind: 'vlan'; vlan: number }
  | { kind: 'admin'; up: boolean }
  | { kind: 'live'; live: boolean }
  | { kind: 'delete' };

/**
 * The operation's own answer: carried out (changed, or so already), refused, not carried out (cancelled, or failed and undone), or
 * nothing that can be relied on (open, terminated, failed and not undone).
 */
export type Answer = 'carriedOut' | 'refused' | 'nothing' | 'unsure';

/** An accepted operation's word on a port, and when Temporal accepted it: milliseconds of Unix time. */
export type Word = { workflowId: string; type: string; acceptedAt: number; ask: Ask; answer: Answer };

/** The states that a port may be in after its words, and answers that fit no order in which they may have been accepted. */
export type Expectation = { states: PortState[]; wrongAnswers: Word[] };

// Of so many operations that Temporal accepted in one millisecond each order is followed; 7! is still quick.
const MOST_AT_ONCE = 7;

/**
 * Follow the accepted words on a port in the order of acceptance. Words accepted in the same millisecond have no order: the port may be what
 * any order of them gives. What is refused, cancelled or undone changes nothing; of what is unsure either may be.
 */
export function expectedAfter(words: readonly Word[], before: PortState = null): Expectation {
  let states: PortState[] = [before];
  const wrongAnswers: Word[] = [];
  for (const group of together(words)) {
    wrongAnswers.push(...(group.length === 1 ? group.filter((word) => contradicts(word, states)) : []));
    const after = ordersOf(group).flatMap((order) => order.reduce(followAll, states));
    states = distinct(after);
  }
  return { states, wrongAnswers };
}

/** The port after a word that is carried out; undefined when the word must be refused. */
export function carriedOut(ask: Ask, state: PortState): { state: PortState } | undefined {
  switch (ask.kind) {
    case 'create':
      if (state === null) return { state: { vlan: ask.vlan, up: ask.up, live: ask.live ?? false } };
      // A port that is there already has to be on the same network. Its administrative state is left.
      return state.vlan === ask.vlan ? { state: { ...state, live: ask.live ?? state.live } } : undefined;
    case 'vlan':
      return state === null ? undefined : { state: { ...state, vlan: ask.vlan } };
    case 'admin':
      return state === null ? undefined : { state: { ...state, up: ask.up } };
    case 'live':
      return state === null ? undefined : { state: { ...state, live: ask.live } };
    case 'delete':
      return { state: null };
  }
}

/** Words in the order of acceptance; those of one millisecond stand in one group. */
export function together<Accepted extends Word>(words: readonly Accepted[]): Accepted[][] {
  const groups = Map.groupBy(words, (word) => word.acceptedAt);
  return [...groups].toSorted(([one], [other]) => one - other).map(([, group]) => group);
}

/** True when the answer is not what any of the states gives. */
function contradicts({ ask, answer }: Word, states: readonly PortState[]): boolean {
  const grantable = states.map((state) => carriedOut(ask, state) !== undefined);
  if (answer === 'carriedOut') return !grantable.includes(true);
  return answer === 'refused' && !grantable.includes(false);
}

function followAll(states: readonly PortState[], word: Word): PortState[] {
  return distinct(states.flatMap((state) => follow(state, word)));
}

function follow(state: PortState, { ask, answer }: Word): PortState[] {
  if (answer === 'refused' || answer === 'nothing') return [state];
  const after = carriedOut(ask, state);
  if (after === undefined) return [state];
  return answer === 'carriedOut' ? [after.state] : [state, after.state];
}

function ordersOf(words: readonly Word[]): Word[][] {
  if (words.length > MOST_AT_ONCE) throw new Error(`${words.length} operations on one port in one millisecond`);
  if (words.length < 2) return [[...words]];
  return words.flatMap((word, at) => ordersOf(words.toSpliced(at, 1)).map((rest) => [word, ...rest]));
}

function distinct(states: readonly PortState[]): PortState[] {
  return [...new Map(states.map((state) => [JSON.stringify(state), state])).values()];
}
