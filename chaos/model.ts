/** The expected state of a port: absent, or on a VLAN, up or down, with or without a NIC on the running guest. */
export type PortState = null | { vlan: number; up: boolean; live: boolean };

/** The change of one port that an operation requests. */
export type PortChange =
  | { kind: 'create'; vlan: number; up: boolean; live?: boolean }
  | { kind: 'vlan'; vlan: number }
  | { kind: 'admin'; up: boolean }
  | { kind: 'live'; live: boolean }
  | { kind: 'delete' };

/**
 * The operation's own answer: carried out (changed or unchanged), refused, nothing done (cancelled, or failed and rolled back), or unsure (open,
 * terminated, failed and not rolled back).
 */
export type Answer = 'carriedOut' | 'refused' | 'nothing' | 'unsure';

/** The port in an operation's result; fields missing there are left out. Null: the port is deleted. */
export type ReportedState = null | { vlan?: number; up?: boolean; live?: boolean };

/** An accepted operation's word on a port, with the time of acceptance in milliseconds of Unix time. */
export type Word = {
  workflowId: string;
  type: string;
  acceptedAt: number;
  change: PortChange;
  answer: Answer;
  reported: ReportedState;
};

/** The possible states of a port after its words, and the words whose answers fit no possible order of acceptance. */
export type Expectation = { states: PortState[]; wrongAnswers: Word[] };

// The limit of operations accepted in one millisecond, whose every order is followed; 7! is still quick.
const MOST_AT_ONCE = 7;

/**
 * Follow the accepted words on a port in the order of acceptance. Words of the same millisecond have no order: the port may be in the state after any
 * order that their answers fit. A refused, cancelled or rolled-back word changes nothing; an unsure one may or may not.
 * A word whose answer fits no order still counts as carried out, since its caller relies on the answer.
 */
export function expectedAfter(words: readonly Word[], before: PortState = null): Expectation {
  let states: PortState[] = [before];
  const wrongAnswers: Word[] = [];
  for (const group of byAcceptance(words)) {
    const orders = ordersOf(group);
    const fitting = afterAny(orders, states, followFitting);
    if (fitting.length === 0) wrongAnswers.push(...group.filter((word) => followFitting(states, word).length === 0));
    states = fitting.length > 0 ? fitting : afterAny(orders, states, followReported);
  }
  return { states, wrongAnswers };
}

/** The port after a word that is carried out; undefined when the word must be refused. */
export function carriedOut(change: PortChange, state: PortState): { state: PortState } | undefined {
  switch (change.kind) {
    case 'create':
      if (state === null) return { state: { vlan: change.vlan, up: change.up, live: change.live ?? false } };
      // An existing port has to be on the same network, and keeps its administrative state.
      return state.vlan === change.vlan ? { state: { ...state, live: change.live ?? state.live } } : undefined;
    case 'vlan':
      return state === null ? undefined : { state: { ...state, vlan: change.vlan } };
    case 'admin':
      return state === null ? undefined : { state: { ...state, up: change.up } };
    case 'live':
      return state === null ? undefined : { state: { ...state, live: change.live } };
    case 'delete':
      return { state: null };
  }
}

/** The port's state by the change alone, for operations whose result does not report it. */
export function reportedByChange(change: PortChange): ReportedState {
  switch (change.kind) {
    case 'create':
      return { vlan: change.vlan, ...(change.live === true ? { live: true } : {}) };
    case 'vlan':
      return { vlan: change.vlan };
    case 'admin':
      return { up: change.up };
    case 'live':
      return { live: change.live };
    case 'delete':
      return null;
  }
}

/** Words in the order of acceptance, grouped by millisecond. */
export function byAcceptance<Accepted extends Word>(words: readonly Accepted[]): Accepted[][] {
  const groups = Map.groupBy(words, (word) => word.acceptedAt);
  return [...groups].toSorted(([one], [other]) => one - other).map(([, group]) => group);
}

type Follow = (states: PortState[], word: Word) => PortState[];

function afterAny(orders: readonly Word[][], states: PortState[], follow: Follow): PortState[] {
  return distinct(orders.flatMap((order) => order.reduce(follow, states)));
}

/** The states after a word, from the states that its answer fits. */
function followFitting(states: PortState[], { change, answer }: Word): PortState[] {
  return states.flatMap((state) => {
    const after = carriedOut(change, state);
    if (answer === 'nothing') return [state];
    if (answer === 'refused') return after === undefined ? [state] : [];
    if (answer === 'carriedOut') return after === undefined ? [] : [after.state];
    return after === undefined ? [state] : [state, after.state];
  });
}

/** The states after a word, from its report when its answer fits no state. */
function followReported(states: PortState[], word: Word): PortState[] {
  const fitting = followFitting(states, word);
  if (fitting.length > 0) return fitting;
  const { answer, reported } = word;
  if (answer !== 'carriedOut' || reported === null) return states;
  const { vlan, up, live } = reported;
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
