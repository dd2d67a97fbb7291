import { waitUnlessAborted } from '../backend/waiting.ts';
import { type Batch, isSingle } from '../domain/operations/batch.ts';
import { createSendingTurns } from './sending-turns.ts';

const STAGES = ['plan', 'apply', 'configure', 'forget', 'compare'] as const;

/** The stages of a guest's change, in their order; each calls the server. */
export type Stage = (typeof STAGES)[number];

/** Where the guests of a bulk operation's window wait for each other, so that each stage is one call for all of them. */
export type Windows = {
  /** A request is sent to a guest of a window; `isComing`: the guest is on its way to this worker, however slow the machine is. */
  expect(batch: Batch | undefined, id: string, isComing: IsComing): void;
  /**
   * Send the requests of a window in its turn: when the guests of the windows before it have come. Those to a single guest, or of no window, are sent at
   * once. Throws what `send` throws, or the signal's reason when it aborts before the turn has come.
   */
  begin(batch: Batch | undefined, signal: AbortSignal, send: () => Promise<void>): Promise<void>;
  /** A request to one guest, by its id. One of no window waits for nobody. */
  member(batch: Batch | undefined, id: string): Member;
};

type IsComing = () => Promise<boolean>;

/** A request on its way through the stages. */
export type Member = {
  /**
   * Come to a stage: resolves when no other member has an earlier stage before it. Stages may be left out. Throws the signal's reason.
   */
  arrive(stage: Stage, signal: AbortSignal): Promise<void>;
  /** End the activity: nobody waits for the member any more, unless Temporal has given the activity up and the guest's run comes with another one. */
  end(isGivenUp?: boolean): void;
};

/** The members of a window come as fast as the Temporal server hands out their tasks: the pause that ends the wait is so many times the longest so far. */
const PAUSES = 4;
const SHORTEST_PAUSE_MS = 2_000;
const FIRST_PAUSE_MS = 3_000;
/** A call may hang: nobody waits longer for a member that is known. */
const KNOWN_PAUSE_MS = 15_000;
/** A task may wait for a worker that is gone: nobody waits longer for a member on its way after the last one has come. */
const LONGEST_PAUSE_MS = 60_000;
const MOST_WINDOWS = 200;

type Window = {
  seen: Set<string>;
  expected: Map<string, IsComing>;
  cohorts: Cohort[];
  /** Resolves when its first cohort has gathered. */
  gathered: PromiseWithResolvers<void>;
};

/** Create the windows of one worker. Those of their members that another worker carries out are not waited for longer than a pause. */
export function createWindows(): Windows {
  const windows = new Map<string, Window>();
  const turns = createSendingTurns();

  const windowOf = ({ window: key }: Batch): Window => {
    const window = windows.get(key) ?? {
      seen: new Set(),
      expected: new Map(),
      cohorts: [],
      gathered: Promise.withResolvers<void>(),
    };
    windows.set(key, window);
    const [oldest] = windows.keys();
    if (windows.size > MOST_WINDOWS && oldest !== undefined) windows.delete(oldest);
    return window;
  };

  const cohortOf = (batch: Batch, id: string): Cohort => {
    const window = windowOf(batch);
    window.cohorts = window.cohorts.filter((cohort) => !cohort.isEmpty);
    const own = window.cohorts.find((cohort) => cohort.has(id));
    const cohort = own ?? window.cohorts.find((each) => each.isGathering) ?? new Cohort(window, batch.size);
    if (!window.cohorts.includes(cohort)) window.cohorts.push(cohort);
    window.seen.add(id);
    return cohort;
  };

  return {
    async begin(batch, signal, send) {
      if (batch === undefined || isSingle(batch)) await send();
      else await turns.take(windowOf(batch).gathered.promise, signal, send);
    },
    expect(batch, id, isComing) {
      if (batch === undefined || isSingle(batch)) return;
      windowOf(batch).expected.set(id, isComing);
    },
    member(batch, id) {
      if (batch === undefined || isSingle(batch)) return ALONE;
      let cohort: Cohort | undefined;
      let place: Place | undefined;
      return {
        async arrive(stage, signal) {
          cohort = cohortOf(batch, id);
          place = cohort.arrive(id, STAGES.indexOf(stage));
          await waitUnlessAborted(place.go.promise, signal);
        },
        end(isGivenUp = false) {
          if (place !== undefined) cohort?.end(id, place, isGivenUp);
        },
      };
    },
  };
}

/** True when a member that has not come is on its way. */
async function isAnyComing({ seen, expected }: Window): Promise<boolean> {
  for (const [id, isComing] of expected) if (!seen.has(id) && (await isComing())) return true;
  return false;
}

const ALONE: Member = { arrive: async () => undefined, end: () => undefined };

/** The stage that a member has come to last. `go` resolves when it may begin. */
type Place = { stage: number; go: PromiseWithResolvers<void> };

/** Members of a window that go through the stages together; late ones make a cohort of their own. */
class Cohort {
  readonly #places = new Map<string, Place>();
  readonly #window: Window;
  readonly #size: number;
  #isGathered = false;
  #cameAt: number | undefined;
  #longestPause = 0;
  #quiet: NodeJS.Timeout | undefined;

  constructor(window: Window, size: number) {
    this.#window = window;
    this.#size = size;
  }

  get isEmpty(): boolean {
    return this.#places.size === 0;
  }

  get isGathering(): boolean {
    return !this.#isGathered && this.#window.seen.size < this.#size;
  }

  has(id: string): boolean {
    return this.#places.has(id);
  }

  arrive(id: string, stage: number): Place {
    const now = performance.now();
    if (this.isGathering && this.#cameAt !== undefined)
      this.#longestPause = Math.max(this.#longestPause, now - this.#cameAt);
    this.#cameAt = now;
    const place = { stage, go: Promise.withResolvers<void>() };
    this.#places.set(id, place);
    this.#move();
    return place;
  }

  end(id: string, place: Place, isGivenUp: boolean): void {
    // An activity that Temporal has given up may end after the next attempt has come.
    if (this.#places.get(id) !== place) return;
    this.#places.delete(id);
    if (isGivenUp) this.#window.seen.delete(id);
    this.#move();
  }

  #move(): void {
    this.#open();
    clearTimeout(this.#quiet);
    if (this.isEmpty) return;
    this.#quiet = setTimeout(() => void this.#giveUp(), this.#patience()).unref();
  }

  /** Let those go who wait at the lowest stage: nobody is still to come to it. */
  #open(): void {
    if (this.isGathering) return;
    this.#gather();
    const places = [...this.#places.values()];
    const lowest = Math.min(...places.map(({ stage }) => stage));
    for (const place of places) if (place.stage === lowest) place.go.resolve();
  }

  #patience(): number {
    if (!this.isGathering) return KNOWN_PAUSE_MS;
    if (this.#longestPause === 0) return FIRST_PAUSE_MS;
    return Math.min(KNOWN_PAUSE_MS, Math.max(SHORTEST_PAUSE_MS, PAUSES * this.#longestPause));
  }

  /** Nothing has moved for a while: wait no longer for members that have not come and are not on their way, and then for nobody. */
  async #giveUp(): Promise<void> {
    const pause = this.#quiet;
    const isLong = performance.now() - (this.#cameAt ?? 0) > LONGEST_PAUSE_MS;
    const waitsOn = this.isGathering && !isLong && (await isAnyComing(this.#window));
    // Somebody has moved meanwhile.
    if (this.#quiet !== pause) return;
    if (!waitsOn) this.#goOn();
    this.#move();
  }

  #goOn(): void {
    if (this.isGathering) this.#gather();
    else for (const place of this.#places.values()) place.go.resolve();
  }

  /** Nobody is to come to this cohort any more: the requests of the next window may be sent. */
  #gather(): void {
    if (this.#isGathered) return;
    this.#isGathered = true;
    this.#window.gathered.resolve();
  }
}
