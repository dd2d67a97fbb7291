import { AsyncLocalStorage } from 'node:async_hooks';
import { randomBytes } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { BackendError } from '../../backend-error.ts';
import { plainText } from '../../http/plain-text.ts';
import { observed, observedChains } from '../../observation.ts';
import { waitUnlessAborted } from '../../waiting.ts';
import type { Transport } from '../rest/transport.ts';
import { runOnNode, type ScriptResult } from './dsh.ts';
import { changesDirectory, changesZvm, observedChainOf, observedCommandOf } from './observed-commands.ts';
import { type Chains, type Command, type CommandOutcome, chainText, parseOutcomes, scriptText } from './script.ts';

export type { Command, CommandOutcome } from './script.ts';

export type CommandChannel = {
  /**
   * Run one chain of commands, or several that do not depend on each other. A chain runs in order and stops after the first command that
   * does not exit with 0. The outcomes come in the order of the commands, those of several chains one after another. Throws a retryable
   * BackendError when it is not known what became of a chain (all commands here are safe to repeat), what the transport throws, or the
   * signal's reason. Chains that have not been sent when `stop` aborts are not sent: then it throws the reason of `stop`.
   */
  run(chains: readonly (readonly Command[])[] | readonly Command[], options?: RunOptions): Promise<CommandOutcome[]>;
  /**
   * Run one chain, and the questions when all chains of the same call have ended: once for all who ask the same. Throws as `run` does because of
   * the chain; questions whose outcomes are not known have none.
   */
  runThenAsk(
    chain: readonly Command[],
    questions: readonly Command[],
    options?: RunOptions,
  ): Promise<{ outcomes: CommandOutcome[]; answers: ClosingAnswers | undefined }>;
  /** True while all calls that may change the directory are under way: a further change waits for one of them to end. */
  directoryWaits(options?: Pick<RunOptions, 'single'>): boolean;
};

/** The outcomes of the questions at the end of a call: the same array for all whose chains it has carried. */
export type ClosingAnswers = readonly CommandOutcome[];

export type RunOptions = {
  signal?: AbortSignal;
  stop?: AbortSignal;
  /** The chains are of an operation on its own: they wait for no call of a bulk operation. */
  single?: boolean;
  /** Nobody waits for the outcomes: a call costs more than the time that several side by side would save. */
  patient?: boolean;
};

export type ChannelOptions = {
  /** The z/VM host, for those who observe its commands. */
  host?: string;
  /** A command that takes longer is ended; seconds. */
  commandSeconds?: number;
  /** Chains that run side by side on the zHCP, three at least: what SMAPI gets at once. */
  parallel?: number;
};

/** Chains of one caller that wait to be sent. */
type Caller = Job[];

/** The chains of single operations, and those of bulk operations. No call carries both: each ends with its last chain. */
type Kind = 'single' | 'bulk';

/** The work of a chain: on the directory, where it waits for DirMaint; on z/VM otherwise; or none, it only reads. All chains of a call have the same. */
type Work = 'directory' | 'live' | 'reading';

/** Most changes of the directory in a call; of other work, most chains. */
type Carries = ReadonlyMap<Work, number>;

/** A way for one call at a time. */
type Flight = {
  /** Chains that run side by side. No other flight takes these places of SMAPI's. */
  lanes: number;
  /** The work that it carries, and how much of it in a call: what comes first goes first. */
  carries: Carries;
  /** For single operations alone. */
  ofSingles: boolean;
  isUnderWay: boolean;
  /** Until nobody waits any more. */
  carried: Kind | undefined;
};

type Job = {
  /** Runs a function as its caller would: the call that carries the chain belongs to the caller's trace. */
  asCaller: ReturnType<typeof AsyncLocalStorage.snapshot>;
  chain: readonly Command[];
  bytes: number;
  directoryChanges: number;
  work: Work;
  patient: boolean;
  outcome: PromiseWithResolvers<CommandOutcome[]>;
  closing?: Closing;
};

/** Questions at the end of a call; those of the same `text` are asked once. */
type Closing = {
  questions: readonly Command[];
  text: string;
  answers: PromiseWithResolvers<ClosingAnswers | undefined>;
};

// The script is one argument of ssh, of which Linux takes 128 KiB; xdsh adds the locale exports (docs/reference/xcat.md 5).
const SCRIPT_BYTES = 100 * 1024;
// All but the chains: the form of the markers, and the lanes with their files.
const FRAME_BYTES = 1_024;
// DirMaint carries changes out one after another, on older systems in a second each: four scripts of so many end within the time of a call.
const MOST_DIRECTORY_CHANGES = 75;
const MOST_DIRECTORY_CHANGES_OF_SINGLES = 50;
// Others wait for the places of a call until its last chain has ended: those of a second or two leave them soon.
const MOST_LIVE = 40;
const MOST_LIVE_BESIDE_READINGS = 60;
const ANY = Number.POSITIVE_INFINITY;
const ALL: Carries = new Map([
  ['directory', MOST_DIRECTORY_CHANGES],
  ['reading', ANY],
  ['live', MOST_LIVE],
]);
const NO_DIRECTORY: Carries = new Map([
  ['reading', ANY],
  ['live', MOST_LIVE_BESIDE_READINGS],
]);
const OF_SINGLES: Carries = new Map([...ALL, ['directory', MOST_DIRECTORY_CHANGES_OF_SINGLES]]);
/** Chains of the same moment are shared out to calls side by side, of so many at least: each call costs the management node a process. */
const LEAST_SHARE = 25;
const PARALLEL = 10;
// SMAPI and DirMaint answer within seconds; well below the time that a whole call may take.
const COMMAND_SECONDS = 60;
/** While a call is on its way its places are empty: several others change the directory meanwhile, so that DirMaint has always work. */
const FLIGHTS_OF_CHANGES = 3;
// A single operation has a command or two for each of its guest's NICs: few of SMAPI's places are enough, and all others are a storm's.
const SHARE_OF_SINGLES = 10;

/**
 * The way to one zHCP, by group commit: while calls are in flight, further chains queue, and the next call carries them all as one script
 * of at most 100 KiB; what does not fit goes with the call after it. A lone chain waits for nothing. Calls that change the directory wait for
 * DirMaint: one flight carries none of them, so that readings and live NICs go on. Single operations have a flight of their own when bulk operations have
 * taken the others, and go first into one of these that becomes free.
 */
export function createCommandChannel(
  transport: Transport,
  zhcpNode: string,
  { host = '', parallel = PARALLEL, commandSeconds = COMMAND_SECONDS }: ChannelOptions = {},
): CommandChannel {
  const operation = `run commands on ${zhcpNode}`;
  const waiting: Record<Kind, Caller[]> = { single: [], bulk: [] };
  const flights = flightsOf(parallel);

  /** True when chains of a kind wait that the flight may carry. */
  const hasFor = ({ ofSingles, carries }: Flight, kind: Kind): boolean =>
    (kind === 'single' || !ofSingles) && waiting[kind].some((caller) => caller.some(({ work }) => carries.has(work)));

  /** Begin a call for those of a kind that wait, if a flight is free. */
  const begin = (kind: Kind): void => {
    const free = flights.find((flight) => !flight.isUnderWay && hasFor(flight, kind));
    if (free !== undefined) void fly(free);
  };

  const fly = async (flight: Flight): Promise<void> => {
    flight.isUnderWay = true;
    // Commands of the same moment go together.
    await nextTurn();
    for (let batch = take(flight); batch.length > 0; batch = take(flight)) {
      // Commands that do not fit need not wait for this call to end.
      begin('bulk');
      begin('single');
      await batch[0]?.asCaller(runBatch, batch, flight.lanes);
    }
    flight.isUnderWay = false;
    flight.carried = undefined;
  };

  const take = (flight: Flight): Job[] => {
    const kind = nextKind(flight);
    const batch = takeBatch(waiting[kind], flight.carries, (work) => flight.lanes / freeLanes(flight, work));
    waiting[kind] = waiting[kind].filter((caller) => caller.length > 0);
    flight.carried = kind;
    return batch;
  };

  /** The lanes that can carry such work at this moment, those of this flight among them. */
  const freeLanes = (flight: Flight, work: Work): number => {
    const isFree = (each: Flight) => !each.isUnderWay && !each.ofSingles && each.carries.has(work);
    return flights.reduce((sum, each) => sum + (each === flight || isFree(each) ? each.lanes : 0), 0);
  };

  /** Single operations go first, unless their own flight is free, and not twice in turn: a bulk operation goes on beside any number of them. */
  const nextKind = (flight: Flight): Kind => {
    if (flight.ofSingles || !hasFor(flight, 'bulk')) return 'single';
    const isOwnFree = flights.some(({ ofSingles, isUnderWay }) => ofSingles && !isUnderWay);
    return hasFor(flight, 'single') && !isOwnFree && flight.carried !== 'single' ? 'single' : 'bulk';
  };

  const runBatch = async (batch: readonly Job[], lanes: number): Promise<void> => {
    const closing = closingOf(batch);
    const jobs = [...batch, ...closing];
    try {
      const nonce = randomBytes(16).toString('hex');
      const texts = jobs.map((job, index) => chainText(job.chain, index));
      const script = scriptText(inTurn(texts, batch.length), nonce, lanes, commandSeconds);
      const result = await runOnNode(transport, zhcpNode, script);
      const chains = jobs.map(({ chain }) => chain);
      const outcomes = parseOutcomes(result.stdout, nonce, inTurn(chains, batch.length), lanes);
      for (const [index, job] of jobs.entries()) {
        const known = outcomes[index];
        if (known === undefined) job.outcome.reject(unknownFate(operation, result));
        else job.outcome.resolve(known);
      }
    } catch (error) {
      for (const job of jobs) job.outcome.reject(error);
    }
  };

  /** The questions at the end of a call, each once. */
  const closingOf = (batch: readonly Job[]): Job[] => {
    const asking = batch.flatMap(({ closing }) => closing ?? []);
    const alike = Map.groupBy(asking, ({ text }) => text);
    return [...alike.values()].flatMap((group) => {
      const jobs = (group[0]?.questions ?? []).map((question) => jobOf([question]));
      const answers = Promise.all(jobs.map(outcomesOf)).then(
        (outcomes) => outcomes.flat(),
        () => undefined,
      );
      for (const each of group) each.answers.resolve(answers);
      return jobs;
    });
  };

  const jobOf = (chain: readonly Command[], { patient = false }: Pick<RunOptions, 'patient'> = {}): Job => {
    const bytes = Buffer.byteLength(chainText(chain, 9_999)) + 1;
    if (FRAME_BYTES + bytes > SCRIPT_BYTES) {
      const message = `${operation}: the commands are too long for one call`;
      throw new BackendError({ code: 'refused', operation, message });
    }
    const directoryChanges = chain.filter(changesDirectory).length;
    const work = directoryChanges > 0 ? 'directory' : chain.some(changesZvm) ? 'live' : 'reading';
    const asCaller = AsyncLocalStorage.snapshot();
    const outcome = Promise.withResolvers<CommandOutcome[]>();
    return { asCaller, chain, bytes, directoryChanges, work, patient, outcome };
  };

  const outcomesOf = ({ chain, outcome }: Job): Promise<CommandOutcome[]> => {
    const seen = observedChainOf(chain, host, zhcpNode);
    return observed(observedChains, seen, async () => {
      const outcomes = await outcome.promise;
      if (observedChains.hasSubscribers)
        seen.commands = outcomes.map((each, index) => observedCommandOf(chain[index], each));
      return outcomes;
    });
  };

  const carry = async (
    jobs: readonly Job[],
    { signal, stop, single = false }: RunOptions = {},
  ): Promise<CommandOutcome[]> => {
    signal?.throwIfAborted();
    stop?.throwIfAborted();
    const caller = [...jobs];
    const kind = single ? 'single' : 'bulk';
    waiting[kind].push(caller);
    begin(kind);
    const drop = () => {
      for (const job of caller.splice(0)) job.outcome.reject(stop?.reason);
    };
    stop?.addEventListener('abort', drop, { once: true });
    try {
      const outcomes = await waitUnlessAborted(Promise.all(jobs.map(outcomesOf)), signal);
      return outcomes.flat();
    } finally {
      stop?.removeEventListener('abort', drop);
      // After an abort, what has not been sent yet need not be.
      caller.length = 0;
    }
  };

  return {
    run: async (chains, options) => {
      const jobs = separate(chains).filter((chain) => chain.length > 0);
      return carry(
        jobs.map((chain) => jobOf(chain, options)),
        options,
      );
    },
    async runThenAsk(chain, questions, options) {
      const answers = Promise.withResolvers<ClosingAnswers | undefined>();
      const text = questions.map((question) => chainText([question], 9_999)).join('');
      const outcomes = await carry([{ ...jobOf(chain), closing: { questions, text, answers } }], options);
      return { outcomes, answers: await answers.promise };
    },
    directoryWaits: ({ single = false } = {}) =>
      flights
        .filter(({ carries, ofSingles }) => carries.has('directory') && (single || !ofSingles))
        .every(({ isUnderWay }) => isUnderWay),
  };
}

/** The first chains of a script, and those that close it. */
function inTurn<Chain>(all: readonly Chain[], first: number): Chains<Chain> {
  return { chains: all.slice(0, first), closing: all.slice(first) };
}

/** One flight that never waits for DirMaint, some for all chains, and one for single operations. */
function flightsOf(parallel: number): Flight[] {
  const ofSingles = Math.max(1, Math.floor(parallel / SHARE_OF_SINGLES));
  const ofReadings = Math.max(1, Math.ceil((parallel - ofSingles) / (FLIGHTS_OF_CHANGES + 1)));
  const ofChanges = parallel - ofSingles - ofReadings;
  const flights = [
    { lanes: ofReadings, carries: NO_DIRECTORY, ofSingles: false },
    ...Array.from({ length: FLIGHTS_OF_CHANGES }, (_, index) => ({
      lanes: Math.ceil((ofChanges - index) / FLIGHTS_OF_CHANGES),
      carries: ALL,
      ofSingles: false,
    })),
    { lanes: ofSingles, carries: OF_SINGLES, ofSingles: true },
  ];
  return flights
    .filter(({ lanes }) => lanes > 0)
    .map((flight) => ({ ...flight, isUnderWay: false, carried: undefined }));
}

function separate(chains: readonly (readonly Command[])[] | readonly Command[]): (readonly Command[])[] {
  const several: (readonly Command[])[] = [];
  const one: Command[] = [];
  for (const item of chains) {
    if ('argv' in item) one.push(item);
    else several.push(item);
  }
  return one.length > 0 ? [...several, one] : several;
}

/**
 * One chain of each caller in turn, as long as the script has room: a caller with many chains does not delay one with few. All of them have the
 * same work: a reading would wait for changes, and all for DirMaint. Where others are free for it too, they get the rest of it.
 */
function takeBatch(queue: readonly Caller[], carries: Carries, shareOf: (work: Work) => number): Job[] {
  const isOf = (work: Work) => (job: Job) => job.work === work;
  const work = [...carries.keys()].find((each) => queue.some((caller) => caller.some(isOf(each))));
  if (work === undefined) return [];
  const most = carries.get(work) ?? 0;
  const all = queue.flatMap((caller) => caller.filter(isOf(work)));
  const isShared = !all.some(({ patient }) => patient);
  const share = isShared ? Math.max(LEAST_SHARE, Math.ceil(all.length * shareOf(work))) : all.length;
  const batch: Job[] = [];
  const closing = new Set<string>();
  let bytes = FRAME_BYTES;
  let load = 0;
  for (let waiting = queue.filter((caller) => caller.length > 0); waiting.length > 0 && batch.length < share; ) {
    const next: Caller[] = [];
    for (const caller of waiting) {
      const job = caller.find(isOf(work));
      if (job === undefined || batch.length >= share) continue;
      const { text = '' } = job.closing ?? {};
      const size = job.bytes + (closing.has(text) ? 0 : Buffer.byteLength(text));
      const further = work === 'directory' ? job.directoryChanges : 1;
      if (bytes + size > SCRIPT_BYTES) continue;
      if (load > 0 && load + further > most) continue;
      bytes += size;
      load += further;
      closing.add(text);
      batch.push(job);
      caller.splice(caller.indexOf(job), 1);
      next.push(caller);
    }
    waiting = next;
  }
  return batch;
}

function unknownFate(operation: string, { stderr, failed }: ScriptResult): BackendError {
  const reason = plainText(stderr);
  const code = /timed out/i.test(reason) ? 'timeout' : failed && reason !== '' ? 'unreachable' : 'bad-answer';
  const message = `${operation}: the outcome of the commands is unknown${reason === '' ? '' : `: ${reason}`}`;
  return new BackendError({
    code,
    operation,
    message,
    retryable: true,
    advice: 'check that the zHCP is up and that the management node can ssh to it',
  });
}
