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

/** The port as an operation's result tells it; what the result does not tell is left out. Null: there is no such port any more. */
export type Told = null | { vlan?: number; up?: boolean; live?: boolean };

/** An accepted operation's word on a port, and when Temporal accepted it: milliseconds of Unix time. */
export type Word = { workflowId: string; type: string; acceptedAt: number; ask: Ask; answer: Answer; told: Told };

/** The states that a port may be in after its words, and answers that fit no order in which they may have been accepted. */
export type Expectation = { states: PortState[]; wrongAnswers: Word[] };

// Of so many operations that Temporal accepted in one millisecond each order is followed; 7! is still quick.
const MOST_AT_ONCE = 7;

/**
 * Follow the accepted words on a port in the order of acceptance. Words accepted in the same millisecond have no order: the port may be what
 * any order of them gives that their answers fit. What is refused, cancelled or undone changes nothing; of what is unsure either may be.
 * After an answer that fits no order the word is believed all the same: who was told that it was carried out counts on it.
 */
export function expectedAfter(words: readonly Word[], before: PortState = null): Expectation {
  let states: PortState[] = [before];
  const wrongAnswers: Word[] = [];
  for (const group of together(words)) {
    const orders = ordersOf(group);
    const fitting = afterAny(orders, states, followFitting);
    if (fitting.length === 0) wrongAnswers.push(...group.filter((word) => followFitting(states, word).length === 0));
    states = fitting.length > 0 ? fitting : afterAny(orders, states, followAnyhow);
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

/** The port after a word, as far as the word alone tells: for operations whose result does not say how their ports are. */
export function toldByAsk(ask: Ask): Told {
  switch (ask.kind) {
    case 'create':
      return { vlan: ask.vlan, ...(ask.live === true ? { live: true } : {}) };
    case 'vlan':
      return { vlan: ask.vlan };
    case 'admin':
      return { up: ask.up };
    case 'live':
      return { live: ask.live };
    case 'delete':
      return null;
  }
}

/** Words in the order of acceptance; those of one millisecond stand in one group. */
export function together<Accepted extends Word>(words: readonly Accepted[]): Accepted[][] {
  const groups = Map.groupBy(words, (word) => word.acceptedAt);
  return [...groups].toSorted(([one], [other]) => one - other).map(([, group]) => group);
}

type Follow = (states: PortState[], word: Word) => PortState[];

function afterAny(orders: readonly Word[][], states: PortState[], follow: Follow): PortState[] {
  return distinct(orders.flatMap((order) => order.reduce(follow, states)));
}

/** The states after a word, of those states that its answer fits. */
function followFitting(states: PortState[], { ask, answer }: Word): PortState[] {
  return states.flatMap((state) => {
    const after = carriedOut(ask, state);
    if (answer === 'nothing') return [state];
    if (answer === 'refused') return after === undefined ? [state] : [];
    if (answer === 'carriedOut') return after === undefined ? [] : [after.state];
    return after === undefined ? [state] : [state, after.state];
  });
}

/** The states after a word whose answer may fit none of them. */
function followAnyhow(states: PortState[], word: Word): PortState[] {
  const fitting = followFitting(states, word);
  if (fitting.length > 0) return fitting;
  const { answer, told } = word;
  if (answer !== 'carriedOut' || told === null) return states;
  const { vlan, up, live } = told;
  return vlan === undefined || up === undefined || live === undefined ? states : [{ vlan, up, live }];
}

function ordersOf(words: readonly Word[]): Word[][] {
  if (words.length > MOST_AT_ONCE) throw new Error(`${words.length} operations on one port in one millisecond`);
  if (words.length < 2) return [[...words]];
  return words.flatMap((word, at) => ordersOf(words.toSpliced(at, 1)).map((rest) => [word, ...rest]));
}

function distinct(states: readonly PortState[]): PortState[] {
  return [...new Map(states.map((state) => [JSON.stringify(state), state])).values()];
}
