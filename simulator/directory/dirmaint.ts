import { Semaphore, sleep } from '../flow.ts';
import { DEFAULT_PROFILE, deviceOf, type OtherDevice, type Profile } from './devices.ts';
import type { DirectoryEntry } from './entry.ts';
import type { Nicdef } from './nicdef.ts';
import { parseNicdefStatements } from './nicdef-statements.ts';

/** The times that one request takes DirMaint. */
export type Pace = { intervalMs: number; serviceMs: number };

/** The directory manager of a system, or of all members of an SSI cluster: it works off one request after another. */
export class DirMaint {
  readonly profiles = new Map<string, Profile>([[DEFAULT_PROFILE.name, DEFAULT_PROFILE]]);
  readonly subconfigs = new Map<string, Profile>();
  #idleSince = Number.NEGATIVE_INFINITY;
  readonly #servers: Semaphore;

  constructor(parallelism: number) {
    this.#servers = new Semaphore(parallelism);
  }

  /** Carries out so many requests as one piece of work, each after the pause between two requests (docs/reference/zvm.md 6). */
  async carryOut<T>(requests: number, pace: Pace, work: () => T): Promise<T> {
    return this.#servers.use(async () => {
      for (let request = 0; request < requests; request += 1) {
        const pause = this.#idleSince + pace.intervalMs - performance.now();
        if (pause > 0) await sleep(pause);
        if (pace.serviceMs > 0) await sleep(pace.serviceMs);
        this.#idleSince = performance.now();
      }
      return work();
    });
  }

  /**
   * The NICs of a user who logs on to this member: those of a SUBCONFIG come first, those of the profile last (docs/reference/zvm.md 5.1).
   */
  nicdefsAtLogon(entry: DirectoryEntry, member: string): Nicdef[] {
    const { nicdefs, profile } = entry.atLogon(member);
    const last = profile === null ? undefined : this.profiles.get(profile);
    return [...nicdefsIn(this.builtOn(entry, member)), ...nicdefs, ...nicdefsIn(last?.statements ?? [])];
  }

  /** The devices of a user who logs on to this member besides NICs. */
  devicesAtLogon(entry: DirectoryEntry, member: string): OtherDevice[] {
    return [...devicesIn(this.builtOn(entry, member)), ...this.devicesOf(entry)];
  }

  /** The NICs that the profile of an entry defines. */
  profileNicdefsOf(entry: DirectoryEntry): Nicdef[] {
    return nicdefsIn(this.included(entry));
  }

  /** The devices that entry and profile give a user besides NICs. */
  devicesOf(entry: DirectoryEntry): OtherDevice[] {
    return devicesIn([...entry.statements, ...this.included(entry)]);
  }

  /** The statements of the SUBCONFIG that an IDENTITY has on a member. */
  private builtOn(entry: DirectoryEntry, member: string): readonly string[] {
    const { subconfig } = entry.atLogon(member);
    return subconfig === null ? [] : (this.subconfigs.get(subconfig)?.statements ?? []);
  }

  private included({ profile }: DirectoryEntry): readonly string[] {
    return profile === null ? [] : (this.profiles.get(profile)?.statements ?? []);
  }
}

function nicdefsIn(statements: readonly string[]): Nicdef[] {
  return parseNicdefStatements(statements.filter((statement) => /^NICDEF /i.test(statement)));
}

function devicesIn(statements: readonly string[]): OtherDevice[] {
  return statements.flatMap((statement) => deviceOf(statement) ?? []);
}
