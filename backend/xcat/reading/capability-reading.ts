import {
  type ConfiguredCapabilities,
  type HostCapabilities,
  type ProbedBehaviour,
  type Readable,
  withConfigured,
} from '../../../domain/host/host-capabilities.ts';
import { messageOf } from '../../../domain/text/error-message.ts';
import type { Userid } from '../../../domain/text/identifiers.ts';
import { BackendError } from '../../backend-error.ts';
import type { Command, CommandOutcome } from '../zhcp/channel.ts';
import {
  parseCpLevel,
  parseDirectoryNetworkAuthorization,
  parseFunctionalLevel,
  parseNetworkService,
  parseSmcliKind,
  parseSsi,
} from '../zhcp/level-parsers.ts';
import { answered } from '../zhcp/smapi-outcome.ts';
import { queryCpLevel, queryFunctionalLevel, querySmcliKind, querySsi } from '../zhcp/smcli.ts';

/** The levels of one host as z/VM has told them: asked for with the first reading, and with each survey, which may be the first after an IPL. */
export type LevelMemory = {
  /** The questions to ask with a reading. One that is no survey asks them only while something is unknown that may be known by then. */
  due(zhcp: Userid, survey: boolean): Command[];
  /** Take the answers to all questions that were due. */
  note(answers: readonly (CommandOutcome | undefined)[]): void;
  /** Take the IPL time of a survey, before its answers: what was known before an IPL is forgotten. */
  iplAt(iplTime: string): void;
  /** The SSI cluster by z/VM's word; `unknown` says why nobody knows whether there is one. Undefined: the system is no member. */
  ssi(): KnownCluster | undefined;
  /** The record; what QUERY VMLAN tells comes with each reading. */
  capabilities(vmlan: CommandOutcome | undefined, configured: ConfiguredCapabilities | undefined): HostCapabilities;
  /** The record of the last reading; undefined before the first. */
  readonly last: HostCapabilities | undefined;
  /** Ways to write NICDEFs, as the entries that were read back have shown them since the last IPL. Of `nicdefsAtOnce`, `sequence` is also of a transaction: reading back does not tell them apart. */
  readonly learned: WrittenBehaviour;
  learn(behaviour: WrittenBehaviour): void;
};

/** The cluster of a system, with the names of its members. */
type KnownCluster = { name: string; systems: readonly string[] } | { unknown: string };

/** The part of a system's behaviour that writing shows. */
export type WrittenBehaviour = Pick<ProbedBehaviour, 'nicdefWrite' | 'nicdefKeywords' | 'nicdefsAtOnce'>;

type Levels = Pick<HostCapabilities, 'release' | 'serviceLevel' | 'smapiLevel' | 'smcli'>;

const NOT_READ: Readable<never> = { state: 'unknown', reason: 'not read since the last IPL of z/VM' };
const NOTHING_READ: Levels = { release: NOT_READ, serviceLevel: NOT_READ, smapiLevel: NOT_READ, smcli: NOT_READ };

/** Create the memory of one host, in which nothing is known. */
export function createLevelMemory(): LevelMemory {
  let levels = NOTHING_READ;
  let ssi: Attempt<ReturnType<typeof parseSsi>> | undefined;
  let isDue = true;
  let knownIplTime: string | undefined;
  let last: HostCapabilities | undefined;
  let learned: WrittenBehaviour = {};
  return {
    get last() {
      return last;
    },
    get learned() {
      return learned;
    },
    learn(behaviour) {
      learned = { ...learned, ...behaviour };
    },
    due(zhcp, survey) {
      // A survey may be the first one after an IPL, which its answers say.
      return isDue || survey ? [queryCpLevel(), queryFunctionalLevel(zhcp), querySmcliKind(zhcp), querySsi()] : [];
    },
    note([level, functionalLevel, kind, cluster]) {
      const all = [
        attempt(() => parseCpLevel(answered('read the CP level', level))),
        attempt(() => parseFunctionalLevel(answered('read the SMAPI level', functionalLevel))),
        attempt(() => parseSmcliKind(saidBy(kind))),
      ] as const;
      const [cp, smapi, smcli] = all;
      const before = levels;
      levels = {
        release: unlessFailed(before.release, cp, ({ release }) => release),
        serviceLevel: unlessFailed(before.serviceLevel, cp, ({ serviceLevel }) => serviceLevel),
        smapiLevel: unlessFailed(before.smapiLevel, smapi, (value) => value),
        smcli: unlessFailed(before.smcli, smcli, (value) => value),
      };
      const member = attempt(() => parseSsi(answered('read the SSI cluster', cluster)));
      if (ssi === undefined || !('value' in ssi) || !isTransient(member)) ssi = member;
      if (isOtherLevel(before, levels)) learned = {};
      // A failure that may pass is asked about again; that CP or smcli does not know a command holds until the next IPL.
      isDue = [...all, member].some(isTransient);
    },
    iplAt(iplTime) {
      const isLater = knownIplTime !== undefined && knownIplTime !== iplTime;
      knownIplTime = iplTime;
      if (!isLater) return;
      levels = NOTHING_READ;
      ssi = undefined;
      learned = {};
      isDue = true;
    },
    ssi() {
      if (ssi === undefined) return { unknown: 'not read since the last IPL of z/VM' };
      if ('value' in ssi) return ssi.value;
      return { unknown: ssi.error instanceof Error ? ssi.error.message : String(ssi.error) };
    },
    capabilities(vmlan, configured) {
      const output = attempt(() => answered('read the VMLAN settings', vmlan));
      const read = <Value>(parse: (text: string) => Value) =>
        'error' in output ? output : attempt(() => parse(output.value));
      last = withConfigured(
        {
          ...levels,
          networkService: readableOf(read(parseNetworkService), (value) => value),
          directoryNetworkAuthorization: readableOf(read(parseDirectoryNetworkAuthorization), (value) => value),
        },
        configured,
      );
      return last;
    },
  };
}

/** True when one of the levels is known to be another than before. */
function isOtherLevel(before: Levels, now: Levels): boolean {
  return (['release', 'serviceLevel', 'smapiLevel', 'smcli'] as const).some((name) => {
    const [one, other] = [before[name], now[name]];
    return one.state === 'known' && other.state === 'known' && one.value !== other.value;
  });
}

/** The answer of smcli to an option that it may not know, which makes it fail. Throws a BackendError when it did not run. */
function saidBy(outcome: CommandOutcome | undefined): string {
  if (outcome?.ran !== true || outcome.output.trim() === '') return answered('read the kind of smcli', outcome);
  return outcome.output;
}

type Attempt<Value> = { value: Value } | { error: unknown };

function attempt<Value>(read: () => Value): Attempt<Value> {
  try {
    return { value: read() };
  } catch (error) {
    return { error };
  }
}

function isTransient(outcome: Attempt<unknown>): boolean {
  return 'error' in outcome && outcome.error instanceof BackendError && outcome.error.retryable;
}

/** The level that was read; where a failure that may pass is in its place, the one that is known. */
function unlessFailed<Value, Part>(
  before: Readable<Part>,
  outcome: Attempt<Value>,
  part: (value: Value) => Part,
): Readable<Part> {
  return before.state === 'known' && isTransient(outcome) ? before : readableOf(outcome, part);
}

function readableOf<Value, Part>(outcome: Attempt<Value>, part: (value: Value) => Part): Readable<Part> {
  if ('value' in outcome) return { state: 'known', value: part(outcome.value), from: 'z/VM' };
  const { error } = outcome;
  return { state: 'unknown', reason: messageOf(error) };
}
