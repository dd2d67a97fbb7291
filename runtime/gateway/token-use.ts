import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { z } from 'zod';

/** The last use of tokens is known to the minute: no request waits for a file. */
const WRITE_MS = 60_000;

const Uses = z.record(z.string(), z.iso.datetime());

/** Remembers when each token was used last. */
export type TokenUse = { used(name: string): void; close(): void };

/**
 * The file of last uses: beside the token file, or in the state directory that systemd gives, since a service may not write where its
 * configuration is.
 */
export function useFileOf(tokensFile: string, env: NodeJS.ProcessEnv): string {
  const directory = env.STATE_DIRECTORY?.split(':')[0];
  return directory === undefined ? `${tokensFile}.used` : join(directory, `${basename(tokensFile)}.used`);
}

/** The last use of each token by its name; none when the file is missing or malformed. */
export function readUses(file: string): ReadonlyMap<string, string> {
  try {
    return new Map(Object.entries(Uses.parse(JSON.parse(readFileSync(file, 'utf8')))));
  } catch {
    return new Map();
  }
}

/** Keep the file of last uses up to date. Several gateways may share one: the latest use counts. A file that cannot be written is told of once. */
export function keepUses(
  file: string,
  log: (level: 'warn', fields: Record<string, unknown>, message: string) => void,
): TokenUse {
  let unwritten = new Map<string, string>();
  let isTold = false;
  const write = () => {
    if (unwritten.size === 0) return;
    const all = new Map(readUses(file));
    for (const [name, at] of unwritten) if (at > (all.get(name) ?? '')) all.set(name, at);
    const beside = `${file}.${process.pid}.new`;
    try {
      writeFileSync(beside, `${JSON.stringify(Object.fromEntries(all), undefined, 2)}\n`, { mode: 0o644 });
      renameSync(beside, file);
      unwritten = new Map();
    } catch (error) {
      const reason = error instanceof Error && 'code' in error ? String(error.code) : '';
      if (!isTold) log('warn', { file, reason }, 'last use of tokens cannot be kept');
      isTold = true;
    }
  };
  const timer = setInterval(write, WRITE_MS).unref();
  return {
    used: (name) => unwritten.set(name, new Date().toISOString()),
    close: () => {
      clearInterval(timer);
      write();
    },
  };
}
