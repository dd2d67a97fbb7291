import { formatNicdef, type Nicdef, parseVdev } from './nicdef.ts';
import { parseNicdefStatements } from './nicdef-statements.ts';
import { type Statement, statementsIn, wrap } from './records.ts';

/** Statements that are no devices; SMAPI's own NICDEFs come behind them. */
const HEADER = /^(USER|IDENTITY|INCLUDE|CPU|IPL|MACHINE|BUILD|OPTION|SHARE|POSIXINFO)\b/i;
const DIRMAINT_OWN = /^\*DVHOPT\b/i;

type Lock = 'none' | 'smapi' | 'administrator';

/** The parts of an entry as the simulator makes one. */
export type EntryParts = { profile: string | null; nicdefs: readonly Nicdef[]; statements: readonly string[] };

/** The records of a USER entry. */
export function userRecords(userid: string, { profile, nicdefs, statements }: EntryParts): string[] {
  return [
    `USER ${userid} LBYONLY9 2G 8G G`,
    ...(profile === null ? [] : [`INCLUDE ${profile}`]),
    'CPU 00 BASE',
    'IPL 0100',
    'MACHINE ESA 4',
    ...nicdefs.flatMap((nicdef) => nicdef.written ?? [formatNicdef(nicdef)]),
    ...statements,
  ].flatMap(wrap);
}

/** An entry of the user directory: its records as they stand, and the NICs that they define. */
export class DirectoryEntry {
  readonly userid: string;
  lock: Lock = 'none';
  /** a directory update of this user is under way */
  updating = false;
  #records: readonly string[];
  #online: readonly string[] | undefined;
  #read: { records: readonly string[]; statements: Statement[]; nicdefs: Nicdef[] } | undefined;

  constructor(userid: string, records: readonly string[]) {
    this.userid = userid;
    this.#records = records;
  }

  /** The records of the source directory, without those that DirMaint adds itself. */
  get records(): readonly string[] {
    return this.#records;
  }

  /** The records that count at logon, where they are not those that were changed last. */
  get online(): readonly string[] | undefined {
    return this.#online;
  }

  get nicdefs(): Nicdef[] {
    return this.read().nicdefs;
  }

  /** Whether the user may be logged on to several members of an SSI cluster. */
  get isIdentity(): boolean {
    return this.read().statements.some(({ text }) => /^IDENTITY /i.test(text));
  }

  /** The profile that the entry includes. */
  get profile(): string | null {
    return profileOf(this.read().statements);
  }

  /** Statements that are neither header nor NICDEF: disks, consoles, real devices … */
  get statements(): string[] {
    return devicesOf(this.read().statements);
  }

  /** The parts that count at a logon on this member: with SSI, an IDENTITY names a SUBCONFIG for each. */
  atLogon(member: string): {
    nicdefs: Nicdef[];
    statements: string[];
    profile: string | null;
    subconfig: string | null;
  } {
    const statements = statementsIn(this.#online ?? this.#records);
    return {
      nicdefs: nicdefsOf(statements),
      statements: devicesOf(statements),
      profile: profileOf(statements),
      subconfig: subconfigOf(statements, member),
    };
  }

  /** Puts other records in the place of all. `deferred`: what counts at logon stays behind until it is put online. */
  replace(records: readonly string[], deferred: boolean): void {
    if (deferred) this.#online ??= this.#records;
    this.#records = records.filter((record) => !DIRMAINT_OWN.test(record));
  }

  /** The changed entry counts at logon. */
  putOnline(): void {
    this.#online = undefined;
  }

  /** Puts back what a snapshot has. */
  restore(records: readonly string[], online: readonly string[] | undefined, lock: Lock): void {
    this.#records = records;
    this.#online = online;
    this.lock = lock;
    this.updating = false;
  }

  /** The records with this NIC in place of all statements of its vdev, or behind the last NIC. */
  withNicdef(nicdef: Nicdef): string[] {
    const { statements } = this.read();
    const wanted = wrap(formatNicdef(nicdef));
    const first = statements.findIndex((each) => vdevOf(each) === nicdef.vdev);
    if (first >= 0)
      return statements.flatMap((each, at) =>
        at === first ? wanted : vdevOf(each) === nicdef.vdev ? [] : each.records,
      );
    const lastNic = statements.findLastIndex((each) => vdevOf(each) !== null);
    const behind = lastNic >= 0 ? lastNic : statements.findLastIndex((each) => HEADER.test(each.text));
    const before = statements.slice(0, behind + 1).flatMap((each) => each.records);
    return [...before, ...wanted, ...statements.slice(behind + 1).flatMap((each) => each.records)];
  }

  /** The records without the NIC. */
  withoutNicdef(vdev: string): string[] {
    return this.read().statements.flatMap((each) => (vdevOf(each) === vdev ? [] : each.records));
  }

  private read(): { statements: Statement[]; nicdefs: Nicdef[] } {
    if (this.#read?.records !== this.#records) {
      const statements = statementsIn(this.#records);
      this.#read = { records: this.#records, statements, nicdefs: nicdefsOf(statements) };
    }
    return this.#read;
  }
}

function nicdefsOf(statements: readonly Statement[]): Nicdef[] {
  return parseNicdefStatements(statements.filter((each) => vdevOf(each) !== null).map(({ text }) => text));
}

function devicesOf(statements: readonly Statement[]): string[] {
  return statements.filter((each) => vdevOf(each) === null && !HEADER.test(each.text)).map(({ text }) => text);
}

function profileOf(statements: readonly Statement[]): string | null {
  const include = statements.find(({ text }) => /^INCLUDE /i.test(text));
  return include?.text.split(/ +/)[1]?.toUpperCase() ?? null;
}

/** `BUILD ON member USING SUBCONFIG name`; `*` is every member. */
function subconfigOf(statements: readonly Statement[], member: string): string | null {
  for (const { text } of statements) {
    const [, on = '', name = ''] = /^BUILD ON (\S+) USING SUBCONFIG (\S+)$/i.exec(text) ?? [];
    if (on === '*' || on.toUpperCase() === member) return name.toUpperCase();
  }
  return null;
}

function vdevOf({ text }: Statement): string | null {
  return /^NICDEF /i.test(text) ? parseVdev(text.split(/ +/)[1] ?? '') : null;
}
