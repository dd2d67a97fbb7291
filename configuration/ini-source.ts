import type { ConfigurationProblem } from './error.ts';
import type { IniFile, IniSection } from './ini-file.ts';
import type { Setting } from './schema.ts';

/** A value that was found: as written, with references resolved, and its place. */
export type Found = { raw: string; text: string; file: string; line: number; section: string };

/** A host that a section `[zvm_host:<name>]` declares. */
export type DeclaredHost = { name: string; file: string; line: number; section: string };

const HOST_SECTION = /^zvm_host:([^:]*)(?::(.*))?$/is;
const REFERENCE = /\\\$|\$\$|\$([a-z_][a-z0-9_.]*)|\$\{([a-z_][a-z0-9_.]*)\}/gi;
const DEEPEST_REFERENCE = 10;
/** A value with more references is a mistake, or an attack on the reader. */
const MOST_REFERENCES = 1_000;
const LONGEST_VALUE = 1_000_000;

type Occurrence = Omit<Found, 'text'>;

/** The remaining budget for the references of one value. */
type Budget = { references: number; characters: number };

/** The values of one file by section and key; the last of repeated keys wins. */
type FileIndex = ReadonlyMap<string, ReadonlyMap<string, Occurrence>>;

/** The ini files of one configuration together: later files override earlier ones, and `[zvm_host:<name>]` overrides all other sections. */
export class IniSource {
  readonly #newestFirst: readonly IniFile[];
  readonly #values: readonly FileIndex[];
  readonly #names: string;

  constructor(files: readonly IniFile[]) {
    this.#newestFirst = files.toReversed();
    this.#values = this.#newestFirst.map(indexOf);
    this.#names = files.length === 0 ? '(no configuration file)' : files.map(({ file }) => file).join(', ');
  }

  /** The hosts that `[zvm_host:<name>]` sections declare, in the order of the files. */
  declaredHosts(): DeclaredHost[] {
    const hosts = new Map<string, DeclaredHost>();
    for (const { file, section, host, physicalNetwork } of this.#hostSections()) {
      if (physicalNetwork === undefined && !hosts.has(host)) {
        hosts.set(host, { name: host, file, line: section.line, section: section.name });
      }
    }
    return [...hosts.values()];
  }

  /** The sections whose names begin with a prefix: the rest of each name, in lower case, its first place, and the keys in it. */
  sectionsOf(prefix: string): (DeclaredHost & { keys: string[] })[] {
    const found = new Map<string, DeclaredHost & { keys: string[] }>();
    for (const { file, sections } of this.#newestFirst.toReversed()) {
      for (const section of sections.filter((each) => each.name.toLowerCase().startsWith(prefix))) {
        const name = section.name.slice(prefix.length).trim().toLowerCase();
        const first = found.get(name) ?? { name, file, line: section.line, section: section.name, keys: [] };
        first.keys.push(...section.values.keys());
        found.set(name, first);
      }
    }
    return [...found.values()];
  }

  /** Problems of sections `[zvm_host:<name>:<network>]` whose host no section declares. */
  strayHostSections(): ConfigurationProblem[] {
    const declared = new Set(this.declaredHosts().map(({ name }) => name));
    return this.#hostSections()
      .filter(({ host }) => !declared.has(host))
      .map(({ file, section, host }) => ({
        file,
        line: section.line,
        section: section.name,
        problem: 'is the section of a host without a [zvm_host:…] section',
        allowed: `a section [zvm_host:${host}] beside it`,
      }));
  }

  /** The value of a setting for a host, or of the shared sections when undefined; an empty value counts as none. */
  find(setting: Setting<unknown>, host: string | undefined, problems: ConfigurationProblem[]): Found | undefined {
    const found = this.#occurrence(setting.key, setting.sections, host);
    if (found === undefined || found.raw.trim() === '') return undefined;
    const complaints: string[] = [];
    const budget = { references: MOST_REFERENCES, characters: LONGEST_VALUE };
    const text = this.#resolve(found.raw, found.section, host, isSecret(setting.key), complaints, budget, 0);
    // A secret's reference may be part of the secret, so the problem does not name it.
    const [complaint] = complaints;
    if (complaint === undefined) return { ...found, text };
    const problem = isSecret(setting.key) ? 'refers by $ to a name that is not a key' : complaint;
    problems.push({ ...this.placeOf(setting, found), problem, allowed: '$key or $section.key; $$ for a dollar sign' });
    return undefined;
  }

  /** The place of a setting's problem: its value, or all files when there is none. */
  placeOf(
    setting: Setting<unknown>,
    found?: Pick<Found, 'file' | 'line' | 'section'>,
  ): Omit<ConfigurationProblem, 'problem'> {
    if (found === undefined) return { file: this.#names, section: setting.sections[0], key: setting.key };
    return { file: found.file, line: found.line, section: found.section, key: setting.key };
  }

  #hostSections(): { file: string; section: IniSection; host: string; physicalNetwork: string | undefined }[] {
    return this.#newestFirst.toReversed().flatMap(({ file, sections }) =>
      sections.flatMap((section) => {
        const match = HOST_SECTION.exec(section.name);
        return match === null
          ? []
          : [{ file, section, host: (match[1] ?? '').trim(), physicalNetwork: match[2]?.trim() }];
      }),
    );
  }

  #occurrence(key: string, sections: readonly string[], host: string | undefined): Occurrence | undefined {
    const groups = host === undefined ? [sections] : [[`zvm_host:${host}`], sections];
    for (const group of groups) {
      for (const sectionsOfFile of this.#values) {
        for (const name of group) {
          const found = sectionsOfFile.get(sectionKey(name))?.get(key);
          if (found !== undefined) return found;
        }
      }
    }
    return undefined;
  }

  // oslo.config: `$key` is looked for in the same section, then in [DEFAULT]; `$section.key` names its section; `$$` and `\$` are a dollar sign.
  #resolve(
    raw: string,
    section: string,
    host: string | undefined,
    secret: boolean,
    complaints: string[],
    budget: Budget,
    depth: number,
  ): string {
    budget.characters -= raw.length;
    return raw.replaceAll(REFERENCE, (whole: string, plain: string | undefined, braced: string | undefined) => {
      const name = plain ?? braced;
      if (name === undefined) return '$';
      budget.references -= 1;
      if (budget.references < 0 || budget.characters < 0) {
        if (complaints.length === 0) complaints.push('has too many references by $, or too long a value after them');
        return '';
      }
      const dot = name.indexOf('.');
      const key = name.slice(dot + 1);
      const target = this.#occurrence(key, dot < 0 ? [section, 'DEFAULT'] : [name.slice(0, dot)], host);
      if (target === undefined) complaints.push(`refers to ${whole}, which is not set`);
      else if (isSecret(key) && !secret) complaints.push(`refers to ${whole}, which is a secret`);
      else if (depth >= DEEPEST_REFERENCE) complaints.push(`refers to ${whole}, which refers back to it`);
      else return this.#resolve(target.raw, target.section, host, secret, complaints, budget, depth + 1);
      return '';
    });
  }
}

function isSecret(key: string): boolean {
  return /password|secret|transport_url/i.test(key);
}

function indexOf({ file, sections }: IniFile): FileIndex {
  const index = new Map<string, Map<string, Occurrence>>();
  for (const { name, values } of sections) {
    const ofSection = index.get(sectionKey(name)) ?? new Map<string, Occurrence>();
    index.set(sectionKey(name), ofSection);
    for (const [key, { text, line }] of values) ofSection.set(key, { raw: text, file, line, section: name });
  }
  return index;
}

/** The canonical name of a section: oslo.config ignores the case of group names; host names keep theirs. */
function sectionKey(name: string): string {
  const [, host, network] = HOST_SECTION.exec(name) ?? [];
  if (host === undefined) return name.toLowerCase();
  return `zvm_host:${host.trim()}${network === undefined ? '' : `:${network.trim().toLowerCase()}`}`;
}
