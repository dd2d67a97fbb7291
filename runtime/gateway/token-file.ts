import { readFileSync, renameSync, unwatchFile, watchFile, writeFileSync } from 'node:fs';
import { type KnownToken, newToken, TokenFile, type Verb } from '../../gateway/http/tokens.ts';

const LOOK_MS = 1_000;

/** A file of tokens as it is now, read again when it is changed or when asked. */
export type WatchedTokens = { tokens(): readonly KnownToken[]; readAgain(): void; close(): void };

/** Read a file of tokens. Throws an Error that names the file and what is wrong in it, but no token. */
export function readTokens(file: string): KnownToken[] {
  return parsed(file, readFile(file)).tokens;
}

/**
 * Keep to a file of tokens: one that is taken out of it is known no longer. A file that has become wrong is reported, and the tokens read
 * last stay. Throws as readTokens when it is wrong at first.
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
      log('error', { reason: error instanceof Error ? error.message : '' }, 'the tokens known before stay');
    }
  };
  // Looking at it now and then finds a file that was replaced too, on any file system.
  watchFile(file, { interval: LOOK_MS, persistent: false }, readAgain);
  return { tokens: () => known, readAgain, close: () => unwatchFile(file, readAgain) };
}

/**
 * Make a token and add it to a file, which only its owner can read and which is made when it is not there; the token itself is nowhere but in
 * the answer. Throws an Error when the file is wrong or has a token of that name.
 */
export function addToken(file: string, name: string, hosts: string[], verbs: Verb[]): string {
  const text = exists(file) ? readFile(file) : { tokens: [] };
  if (parsed(file, text).tokens.some((known) => known.name === name))
    throw new Error(`${file} has a token ${name} already: take it out first`);
  const { token, entry } = newToken(name, hosts, verbs);
  const whole = { tokens: [...(text as { tokens: unknown[] }).tokens, entry] };
  parsed(file, whole);
  // Whoever reads the file meanwhile finds the old one or the new one.
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
    throw new Error(`${file} cannot be read as JSON (${reason})`);
  }
}

function parsed(file: string, text: unknown): { tokens: KnownToken[] } {
  const result = TokenFile.safeParse(text);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw new Error(`${file}: ${issue?.path.join('.')}: ${issue?.message}`);
}
