import { readFileSync, renameSync, unwatchFile, watchFile, writeFileSync } from 'node:fs';
import { type KnownToken, newToken, TokenFile, type Verb } from '../../gateway/http/tokens.ts';

const LOOK_MS = 1_000;

/** A token file that is read again when it changes or on request. */
export type WatchedTokens = { tokens(): readonly KnownToken[]; readAgain(): void; close(): void };

/** Read a token file. Throws an Error that names the file and the problem, but no token. */
export function readTokens(file: string): KnownToken[] {
  return parsed(file, readFile(file)).tokens;
}

/**
 * Reload a token file when it changes; a removed token is no longer valid. A file with a problem is reported, and the last tokens stay valid. Throws
 * as readTokens when the first reading fails.
 */
export function watchTokens(
  file: string,
  log: (level: 'info' | 'error', fields: Record<string, unknown>, message: string) => void,
): WatchedTokens {
  let known = readTokens(file);
  const readAgain = () => {
    try {
      known = readTokens(file);
      log('info', { file, tokens: known.length }, 'tokens read');
    } catch (error) {
      log(
        'error',
        { reason: error instanceof Error ? error.message : '' },
        'token file not usable: the previous tokens stay valid',
      );
    }
  };
  // Polling also notices a replaced file, on any file system.
  watchFile(file, { interval: LOOK_MS, persistent: false }, readAgain);
  return { tokens: () => known, readAgain, close: () => unwatchFile(file, readAgain) };
}

/**
 * Make a token and add its hash to a file that only the owner can read; a missing file is created. Only the return value holds the token itself.
 * Throws an Error when the file has a problem or a token of that name.
 */
export function addToken(file: string, name: string, hosts: string[], verbs: Verb[]): string {
  const text = exists(file) ? readFile(file) : { tokens: [] };
  if (parsed(file, text).tokens.some((known) => known.name === name))
    throw new Error(`${file} has a token ${name} already: remove its entry first`);
  const { token, entry } = newToken(name, hosts, verbs);
  const whole = { tokens: [...(text as { tokens: unknown[] }).tokens, entry] };
  parsed(file, whole);
  // A concurrent reader finds the old file or the new one.
  const beside = `${file}.${process.pid}.new`;
  writeFileSync(beside, `${JSON.stringify(whole, undefined, 2)}\n`, { mode: 0o600, flag: 'wx' });
  renameSync(beside, file);
  return token;
}

function exists(file: string): boolean {
  try {
    readFileSync(file);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return false;
    throw error;
  }
}

function readFile(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    const reason = error instanceof Error && 'code' in error ? String(error.code) : 'syntax';
    throw new Error(`${file} is not readable as JSON (${reason})`);
  }
}

function parsed(file: string, text: unknown): { tokens: KnownToken[] } {
  const result = TokenFile.safeParse(text);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw new Error(`${file}: ${issue?.path.join('.')}: ${issue?.message}`);
}
