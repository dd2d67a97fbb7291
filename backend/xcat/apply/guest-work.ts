import { defined } from '../../../domain/defined.ts';
import { withAnswers } from '../../../domain/host/host-behaviour.ts';
import { directoryAuthorizes } from '../../../domain/host/host-capabilities.ts';
import { stepId } from '../../../domain/planning/step-id.ts';
import { type GuestStepReport, type Step, sentence } from '../../../domain/planning/steps.ts';
import type { Vdev } from '../../../domain/port/vdev.ts';
import type { Userid } from '../../../domain/text/identifiers.ts';
import type { Cancellation, Company, ReadBack } from '../../backend.ts';
import { BackendError } from '../../backend-error.ts';
import type { SmapiVerdict } from '../../zvm/return-codes.ts';
import type { WrittenBehaviour } from '../reading/capability-reading.ts';
import { type Entry, entryIn } from '../reading/entry-reading.ts';
import { noteReadBack } from '../reading/read-back.ts';
import { readBackQuestions, systemQuestions } from '../reading/zvm-answers.ts';
import type { XcatHost } from '../xcat-host.ts';
import type { Command, CommandChannel, CommandOutcome } from '../zhcp/channel.ts';
import { LOCK_KEPT } from '../zhcp/entry-replacement.ts';
import { verdictOf } from '../zhcp/smapi-outcome.ts';
import { queryDirectory } from '../zhcp/smcli.ts';
import { isChanged, isLockKept, replacementFailure, replacementOf } from './directory-replacement.ts';
import { type DirectoryStep, type Group, keywordsOf, shownIn, taughtBy, type Writing } from './directory-writing.ts';
import { unitsOf } from './guest-units.ts';
import { namesOf, stepFailure } from './step-failure.ts';

/** Steps that one command of a script carries out; without a command all of them are so `already`. */
type Part = {
  steps: readonly Step[];
  command?: Command;
  group?: Group | undefined;
  already?: readonly Step[];
  isPlanned?: boolean;
};

/** A script, at whose end the entry of a userid may be read. */
type Script = { parts: Part[]; look?: Userid };

/** Steps to go on with in the next script; or that the rest is to be planned anew. */
type Next = readonly Step[] | 'ended';

/** The work on one guest: script after script, with what the ones before have shown. */
export class GuestWork {
  readonly reports: GuestStepReport[] = [];
  /** DirMaint has accepted a step that it carries out later. */
  isLater = false;
  /** Steps of which nobody knows whether they were carried out. */
  possibly: readonly Step[] = [];
  /** The guest as the last script has found it, right behind its steps. */
  readBack: ReadBack | undefined;
  readonly #host: XcatHost;
  /** The node of the zHCP that carries the steps out. */
  readonly #zhcpNode: string;
  readonly #cancellation: Cancellation;
  readonly #readsBack: Company['readsBack'];
  /** The guest's NICs as its plan's reading has found them, where this work can only couple them. */
  readonly #nics: CommandOutcome | undefined;
  /** Ways of writing that this work has tried: they count more than the configuration. */
  #learned: WrittenBehaviour = {};
  /** The entry as this work has read it, until it changes it. */
  #entry: Entry | undefined;
  #mayTakePlanned = true;
  /** NICs that this work has defined, be it without what was asked for. */
  readonly #written = new Set<Vdev>();

  /** `steps` are all that this work is about. */
  constructor(
    host: XcatHost,
    zhcpNode: string,
    steps: readonly Step[],
    cancellation: Cancellation,
    readsBack: Company['readsBack'],
  ) {
    const [step] = steps;
    const nics = step !== undefined && 'userid' in step ? host.planned.takeNics(step.userid) : undefined;
    this.#nics = steps.every(keepsNics) ? nics : undefined;
    this.#host = host;
    this.#zhcpNode = zhcpNode;
    this.#cancellation = cancellation;
    this.#readsBack = readsBack;
  }

  /** Carry out the first of these steps, as many as one script can; answers those that are left. Throws the failure of a step. */
  async runScript(steps: readonly Step[]): Promise<Next> {
    const zhcp = await this.#host.zhcpOf(this.#zhcpNode);
    const { parts, look } = this.#scriptOf(steps, zhcp);
    const later = steps.slice(parts.flatMap((part) => part.steps).length);
    const commands = parts.flatMap(({ command }) => command ?? []);
    const isLast = look === undefined && later.length === 0;
    const outcomes = isLast
      ? await this.#runLast(commands, steps, zhcp)
      : await this.#run(look === undefined ? commands : [...commands, queryDirectory(look)]);
    const ofParts = outcomes.values();
    for (const part of parts) {
      const next = await this.#judge(part, part.command === undefined ? undefined : ofParts.next().value);
      if (next !== undefined) return next === 'ended' ? next : [...next, ...later];
    }
    if (look === undefined) return later;
    const [read] = ofParts;
    if (read?.ran !== true) return 'ended';
    this.#entry = entryIn(look, read);
    const last = parts.at(-1)?.group;
    return last?.onTrial === true ? [...this.#tried(last, this.#entry), ...later] : later;
  }

  async #run(chain: readonly Command[]): Promise<CommandOutcome[]> {
    const { stop, leave } = this.#cancellation;
    return this.#channel().run([chain], { signal: leave, stop });
  }

  #channel(): CommandChannel {
    return this.#host.xcat.channel(this.#zhcpNode);
  }

  /** Run the last commands, and read the guest back in the same call. */
  async #runLast(commands: readonly Command[], steps: readonly Step[], zhcp: Userid): Promise<CommandOutcome[]> {
    const [step] = steps;
    if (this.#readsBack === undefined || commands.length === 0 || step === undefined || !('userid' in step))
      return this.#run(commands);
    const { userid } = step;
    const questions = readBackQuestions(this.#host, zhcp, userid, {
      ...this.#readsBack,
      isRunning: steps.some(isLive),
      nics: this.#nics,
    });
    const { stop, leave } = this.#cancellation;
    const chain = [...commands, ...questions.chain];
    const { outcomes, answers } = await this.#channel().runThenAsk(chain, systemQuestions(zhcp), {
      signal: leave,
      stop,
    });
    const done = outcomes.slice(0, commands.length);
    const isWhole = done.every((each) => each.ran && each.exitStatus === 0);
    if (isWhole && answers !== undefined)
      this.readBack = noteReadBack(this.#host, answers, userid, questions.outcomesIn(outcomes.slice(commands.length)));
    return done;
  }

  #writing(): Writing {
    const { answers, levels, rules } = this.#host;
    const told = levels.last === undefined ? rules.capabilities : withAnswers(levels.last, answers.known());
    const known: WrittenBehaviour = { ...levels.learned, ...told?.behaviour, ...this.#learned };
    return { ...known, dna: levels.last !== undefined && directoryAuthorizes(levels.last) };
  }

  #learn(behaviour: WrittenBehaviour): void {
    const { nicdefKeywords = [] } = this.#writing();
    const taken = behaviour.nicdefKeywords && [...new Set([...nicdefKeywords, ...behaviour.nicdefKeywords])];
    this.#learned = { ...this.#learned, ...behaviour, ...defined({ nicdefKeywords: taken }) };
    this.#host.levels.learn(this.#learned);
  }

  /**
   * The first steps: up to those whose way of writing is on trial, or that need the entry to be read before. Live NICs do not wait for other guests'
   * changes of the directory: they go first while these are under way.
   */
  #scriptOf(steps: readonly Step[], zhcpUserid: Userid): Script {
    const parts: Part[] = [];
    for (const unit of unitsOf(steps, zhcpUserid, this.#writing())) {
      if (unit.group === undefined) {
        parts.push(unit);
        continue;
      }
      const { userid, group } = unit;
      if (parts.some(isCoupling) && this.#channel().directoryWaits()) return { parts };
      if (unit.command !== undefined) parts.push(unit);
      else {
        const planned = this.#entry === undefined ? this.#planned(userid) : undefined;
        const entry = this.#entry ?? planned;
        if (entry === undefined) return { parts, look: userid };
        parts.push({ ...unit, ...replacementOf(entry, unit.steps, this.#written), isPlanned: planned !== undefined });
      }
      this.#entry = undefined;
      this.#mayTakePlanned = false;
      if (group.onTrial) return { parts, look: userid };
    }
    return { parts };
  }

  /** The entry as the plan's own reading has found it, as long as this work has changed nothing. */
  #planned(userid: Userid): Entry | undefined {
    return this.#mayTakePlanned ? this.#host.planned.takeEntry(userid) : undefined;
  }

  /** Take the outcome of a part. Answers steps to try in another way, or undefined to go on in this script. Throws the failure of a step. */
  async #judge(part: Part, outcome: CommandOutcome | undefined): Promise<Next | undefined> {
    const { steps, command, group } = part;
    if (command === undefined) return this.#report(steps, NO_CHANGE);
    // The chain stops at an "already so" too: the rest is planned anew from what is there.
    if (outcome?.ran !== true && this.reports.length > 0) return 'ended';
    const verdict = verdictOf(command, outcome);
    if (verdict?.ok === true && verdict.asynchronous === true) {
      this.isLater = true;
      return this.#report(steps, { answer: 'accepted, carried out later', isAlready: false });
    }
    if (verdict?.ok === true && verdict.already && steps.length === 1) return this.#report(steps, NO_CHANGE);
    // The entry says of a way on trial what was done.
    if (verdict?.ok === true && !verdict.already && group?.onTrial === true) return undefined;
    if (verdict?.ok === true && !verdict.already) {
      const done = isLockKept(outcome) ? { ...DONE, answer: `done; ${LOCK_KEPT}` } : DONE;
      return this.#report(steps, (step) => (part.already?.includes(step) === true ? NO_CHANGE : done));
    }
    if (group?.way === 'replace') return this.#notReplaced(part, outcome, verdict);
    if (group?.way === 'keywords') return this.#notDefined(group, command, outcome, verdict);
    throw stepFailure(steps, command, outcome, verdict);
  }

  /** SMAPI has not replaced the entry, or nobody knows. */
  #notReplaced(part: Part, outcome: CommandOutcome | undefined, verdict: SmapiVerdict | undefined): readonly Step[] {
    // A reading that is older than the plan is no race: the entry is read once more.
    if (part.isPlanned === true && isChanged(outcome)) return part.steps;
    const failure = replacementFailure(part.steps, outcome);
    if (failure === undefined && verdict?.ok === false && !REFUSING.includes(verdict.rc)) this.possibly = part.steps;
    throw failure ?? stepFailure(part.steps, part.command, outcome, verdict);
  }

  /** SMAPI has not defined all NICs of a call: it does not know the keywords, or the entry says with which step it has stopped. */
  async #notDefined(
    { steps }: Group,
    command: Command,
    outcome: CommandOutcome | undefined,
    verdict: SmapiVerdict | undefined,
  ): Promise<Next> {
    const isUnknownKeyword = verdict?.ok === false && verdict.rc === SYNTAX_ERROR;
    if (isUnknownKeyword && steps.some((step) => keywordsOf(step, this.#writing().dna).length > 0)) {
      this.#learn({ nicdefWrite: 'replace' });
      this.#noteWritten(steps);
      return steps;
    }
    const [first] = steps;
    if (first === undefined || steps.length === 1) throw stepFailure(steps, command, outcome, verdict);
    this.possibly = steps;
    const [read] = await this.#run([queryDirectory(first.userid)]);
    const { done, left } = shownIn(entryIn(first.userid, read).nics, steps);
    this.possibly = [];
    this.#report(done, DONE);
    if (left.length === 0 || verdict?.ok === true) return 'ended';
    throw stepFailure(left, command, outcome, verdict);
  }

  /** Take what the entry shows of a way on trial. Answers the steps that it does not show, which are tried in another way. */
  #tried({ steps }: Group, entry: Entry): readonly Step[] {
    const { done, left } = shownIn(entry.nics, steps);
    const taught = taughtBy(entry.nics, steps, this.#writing().dna);
    this.#report(done, DONE);
    this.#noteWritten(steps);
    if (taught !== undefined) this.#learn(taught);
    else throw notShown(left);
    return left;
  }

  #noteWritten(steps: readonly DirectoryStep[]): void {
    for (const { vdev } of steps) this.#written.add(vdev);
  }

  #report(steps: readonly Step[], answer: Answer | ((step: Step) => Answer)): undefined {
    for (const step of steps) {
      const given = typeof answer === 'function' ? answer(step) : answer;
      this.reports.push({ id: stepId(step), step: sentence(step), ...given });
    }
  }
}

/** True of steps that are done only while the guest runs. */
export function isLive({ kind }: Step): boolean {
  return kind === 'ensureLiveNic' || kind === 'ensureCoupled';
}

/** True of steps that leave a running guest the NICs that it has: they are coupled at most. */
function keepsNics({ kind }: Step): boolean {
  return KEEP_NICS.includes(kind);
}

const KEEP_NICS: readonly Step['kind'][] = [
  'ensureAuthorisation',
  'ensurePortNumber',
  'ensurePortVlans',
  'ensureDirectoryNic',
  'removeDirectoryNic',
  'ensureDirectoryOnline',
  'ensureCoupled',
];

function isCoupling({ steps }: Part): boolean {
  return steps.some(({ kind }) => kind === 'ensureCoupled');
}

type Answer = Pick<GuestStepReport, 'answer' | 'isAlready'>;

const DONE: Answer = { answer: 'done', isAlready: false };
const NO_CHANGE: Answer = { answer: 'no change', isAlready: true };
/** A parameter that SMAPI does not understand. */
const SYNTAX_ERROR = 24;
/** Return codes by which SMAPI refuses a change: syntax, authorisation, definition, directory manager. */
const REFUSING = [SYNTAX_ERROR, 36, 100, 400, 404, 412, 500, 596];

function notShown(steps: readonly Step[]): BackendError {
  const operation = namesOf(steps);
  const message = `${operation}: SMAPI says that it is done, and the directory entry does not have it`;
  return new BackendError({ code: 'bad-answer', operation, message });
}
