/** One search of a model by SPIN, with the expected result. */
export type Configuration = {
  name: string;
  model: 'guest-queue' | 'before';
  /** Preprocessor switches of the model. */
  switches: Readonly<Record<string, number | string>>;
  /** `states` searches each state; `loops` searches for executions that never end. */
  search: 'states' | 'loops';
  /** The invariant that SPIN has to find violated; `none` where all hold. */
  finds: Invariant | 'none';
  /** True for a search of minutes, which runs only on request. */
  isLong?: true;
};

/** The names of the assertions in the models and of pan's own checks. */
export const INVARIANTS = [
  'oneWriter',
  'nothingForOneThatIsGone',
  'nothingTwice',
  'orderOnPort',
  'orderOfAcceptance',
  'lastWordStands',
  'toldTheTruth',
  'eachOperationEnds',
  'noLoop',
] as const;
export type Invariant = (typeof INVARIANTS)[number];

type Switches = Configuration['switches'];

const NO_LAG = { LAG: 0, BOUND: 0 };
const LAG_IN_ORDER = { LAG: 1, BOUND: 0 };
const LAG = { LAG: 2, BOUND: 0 };
const LAG_AND_BOUND = { LAG: 2, BOUND: 1 };
/** Guests without a run may be lent to windows. */
const LENT = { LOANS: 1 };

function queue(name: string, switches: Switches, more: Partial<Configuration> = {}): Configuration {
  return { name, model: 'guest-queue', switches, search: 'states', finds: 'none', ...more };
}

/** The queue without one of its rules, in the smallest setting in which an invariant then breaks. */
function without(rule: string, finds: Invariant, TROUBLES: number, list: Switches = NO_LAG): Configuration {
  return queue(`the queue without ${rule}`, { ...list, TROUBLES, WITHOUT: rule }, { finds });
}

function before(name: string, switches: Switches, finds: Configuration['finds']): Configuration {
  return { name, model: 'before', switches, search: 'states', finds };
}

export const CONFIGURATIONS: readonly Configuration[] = [
  queue('the queue, with a list that does not lag and two troubles', { ...NO_LAG, TROUBLES: 2 }),
  queue('the queue, with a list that lags in order and one trouble', { ...LAG_IN_ORDER, TROUBLES: 1 }),
  queue('the queue, with a list that lags, a bound and one trouble', { ...LAG_AND_BOUND, TROUBLES: 1 }),
  queue('the queue never runs in a loop', { ...NO_LAG, TROUBLES: 1 }, { search: 'loops' }),
  queue(
    'the queue with a lagging list and a bound never runs in a loop',
    { ...LAG_AND_BOUND, TROUBLES: 0 },
    { search: 'loops' },
  ),
  queue('the queue with lent guests, a list that does not lag and one trouble', { ...LENT, ...NO_LAG, TROUBLES: 1 }),
  queue('the queue with lent guests, a list that lags and a bound', { ...LENT, ...LAG_AND_BOUND, TROUBLES: 0 }),
  queue(
    'the queue with lent guests, a lagging list and a bound never runs in a loop',
    { ...LENT, ...LAG_AND_BOUND, TROUBLES: 0 },
    { search: 'loops' },
  ),
  queue('the queue, with a list that does not lag and three troubles', { ...NO_LAG, TROUBLES: 3 }, { isLong: true }),
  queue(
    'the queue, with a list that lags, a bound and two troubles',
    { ...LAG_AND_BOUND, TROUBLES: 2 },
    { isLong: true },
  ),
  queue(
    'the queue with lent guests, a list that does not lag and two troubles',
    { ...LENT, ...NO_LAG, TROUBLES: 2 },
    { isLong: true },
  ),
  queue(
    'the queue with lent guests, a list that lags, a bound and one trouble',
    { ...LENT, ...LAG_AND_BOUND, TROUBLES: 1 },
    { isLong: true },
  ),
  queue(
    'the queue with lent guests never runs in a loop',
    { ...LENT, ...NO_LAG, TROUBLES: 1 },
    { search: 'loops', isLong: true },
  ),

  without('ORDER', 'orderOfAcceptance', 0),
  without('WAIT_FOR_EARLIER', 'orderOfAcceptance', 0),
  without('BELIEF', 'orderOfAcceptance', 0, LAG_IN_ORDER),
  without('ENDED_UNLISTED', 'eachOperationEnds', 1),
  without('WORDS', 'orderOnPort', 0, LAG),
  without('EARLIER_RUNS', 'orderOnPort', 0, LAG),
  without('RUNS_NOT_OPERATIONS', 'orderOnPort', 0, LAG),
  without('LOOK_FROM_INSIDE', 'orderOnPort', 0, LAG),
  without('LOOK_BEFORE', 'nothingForOneThatIsGone', 1),
  without('LOOK_WHILE', 'eachOperationEnds', 2),
  without('NOTICE', 'eachOperationEnds', 1),
  without('NOTICE_ANSWERS', 'eachOperationEnds', 1),
  without('IDS', 'nothingTwice', 1),
  without('REFUSED_CLOSE', 'eachOperationEnds', 0),
  without('AWAITED_ANSWERS', 'eachOperationEnds', 0),
  without('CARRIED_QUEUE', 'eachOperationEnds', 1),
  without('CARRIED_WORDS', 'orderOnPort', 1, LAG),
  without('CARRIED_IDS', 'nothingTwice', 2),
  without('ONE_WRITE', 'oneWriter', 1),
  without('OWN_BEFORE', 'lastWordStands', 1),
  without('WITHDRAW', 'toldTheTruth', 1),
  without('PATIENT_WITHDRAW', 'toldTheTruth', 2),
  without('WITHDRAW_AGAIN', 'toldTheTruth', 3),
  without('WAIT_FOR_WINDOW', 'nothingTwice', 0, { ...LENT, ...NO_LAG }),
  without('TURN', 'oneWriter', 1, { ...LENT, ...NO_LAG, BOUND: 1 }),

  before('the hand-over before, while no worker runs', { ALL_IN_LINE: 0, LOOK_AGAIN: 0 }, 'orderOnPort'),
  before('the hand-over before, with all operations in line', { ALL_IN_LINE: 1, LOOK_AGAIN: 1 }, 'orderOnPort'),
  before(
    'the hand-over before, with all in line and nobody who looks again',
    { ALL_IN_LINE: 1, LOOK_AGAIN: 0 },
    'none',
  ),
];
