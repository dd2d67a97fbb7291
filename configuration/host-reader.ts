import type { ConfigurationProblem } from './error.ts';
import type { Found, IniSource } from './ini-source.ts';
import type { Setting } from './schema.ts';

/** Reads the settings of one host, or those shared by all, and collects their problems. */
export class HostReader {
  readonly host: string | undefined;
  readonly #source: IniSource;
  readonly #reportMissing: boolean;
  readonly #problems: ConfigurationProblem[];

  // A key that seems missing may stand in an unreadable part of a file: reporting it would mislead.
  constructor(source: IniSource, host: string | undefined, reportMissing: boolean, problems: ConfigurationProblem[]) {
    this.host = host;
    this.#source = source;
    this.#reportMissing = reportMissing;
    this.#problems = problems;
  }

  find(setting: Setting<unknown>): Found | undefined {
    return this.#source.find(setting, this.host, this.#problems);
  }

  /** The value of a setting. Bad entries of a list are reported; its good entries are the value. */
  read<T>(setting: Setting<T>): T | undefined {
    const found = this.find(setting);
    if (found === undefined) return undefined;
    const result = setting.schema.safeParse(found.text);
    if (result.success) return result.data;
    const value = setting.show(found.raw);
    const shown = value === undefined ? '' : `${JSON.stringify(value.length > 80 ? `${value.slice(0, 80)}…` : value)} `;
    for (const message of new Set(result.error.issues.map((issue) => issue.message))) {
      this.report(setting, `${shown}${message}`, found);
    }
    return setting.despiteMistakes?.(found.text);
  }

  /** The value of a required setting; a value of the environment overrides it. */
  readRequired<T>(setting: Setting<T>, fallback: T, override?: T): T {
    if (override !== undefined && override !== '') return override;
    const before = this.#problems.length;
    const value = this.read(setting);
    if (value !== undefined) return value;
    if (this.#reportMissing && this.#problems.length === before) this.report(setting, this.#missing());
    return fallback;
  }

  report(setting: Setting<unknown>, problem: string, found?: Found): void {
    this.#problems.push({ ...this.#source.placeOf(setting, found), problem, allowed: setting.allowed });
  }

  #missing(): string {
    return this.host === undefined ? 'is missing' : `is missing, here and in [zvm_host:${this.host}]`;
  }
}
