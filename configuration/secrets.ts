import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { HostReader } from './host-reader.ts';
import type { Setting } from './schema.ts';

/** The key that names a file in place of a secret's own. */
function fileSetting({ key, sections }: Setting<unknown>): Setting<string> {
  return {
    key: `${key}_file`,
    sections,
    schema: z.string(),
    allowed: 'path of a file that holds the secret alone, or the name of a credential of systemd',
    show: (text) => text,
  };
}

/** Secrets from where they are kept apart: the environment, files, and credentials of systemd, which are files too. */
export class Secrets {
  /** The files that were read. */
  readonly files = new Set<string>();
  readonly #env: Readonly<Record<string, string | undefined>>;

  constructor(env: Readonly<Record<string, string | undefined>>) {
    this.#env = env;
  }

  /** The path of the file that `<key>_file` names; undefined when it is not given. A name without a slash is a credential of systemd. */
  fileOf(reader: HostReader, setting: Setting<unknown>): string | undefined {
    const name = reader.read(fileSetting(setting));
    if (name === undefined || name.includes('/')) return name;
    const { CREDENTIALS_DIRECTORY: directory } = this.#env;
    if (directory !== undefined) return join(directory, name);
    const given = fileSetting(setting);
    reader.report(
      given,
      `${JSON.stringify(name)} is no path, and there are no credentials of systemd`,
      reader.find(given),
    );
    return undefined;
  }

  /** The secret of the variable, else of the file that `<key>_file` names. Undefined when there is neither: the key itself counts. */
  override(reader: HostReader, setting: Setting<unknown>, variable: string): string | undefined {
    const ofEnvironment = this.#env[variable] ?? '';
    if (ofEnvironment !== '') return ofEnvironment;
    const path = this.fileOf(reader, setting);
    return path === undefined ? undefined : this.read(reader, setting, path);
  }

  /** The content of a secret's file without the line's end. A file that cannot be read is a problem. */
  read(reader: HostReader, setting: Setting<unknown>, path: string): string {
    this.files.add(path);
    const given = fileSetting(setting);
    try {
      const text = readFileSync(path, 'utf8').replace(/[\r\n]+$/, '');
      if (text !== '') return text;
      reader.report(given, `${path} is empty`, reader.find(given));
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? ` (${String(error.code)})` : '';
      reader.report(given, `${path} cannot be read${code}`, reader.find(given));
    }
    // Stands for the secret until the problem is thrown.
    return UNREAD;
  }
}

const UNREAD = 'unread';
