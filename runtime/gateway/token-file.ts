import {
  chmodSync,
  chownSync,
  readFileSync,
  renameSync,
  rmSync,
  type Stats,
  statSync,
  unwatchFile,
  watchFile,
  writeFileSync,
} from 'node:fs';
import { type KnownToken, newToken, TokenFile, type Verb } from '../../gateway/http/tokens.ts';

const LOOK_MS = 1_000;
/** A file that cannot be read is tried again, and its last tokens are accepted for a while. */
const AGAIN_MS = 10_000;
const GRACE_MS = 120_000;

/** A token file that is read again when it changes or on request. */
export type WatchedTokens = { tokens(): readonly KnownToken[]; readAgain(): void; close(): void };

/** Read a token file. Throws an Error that names the file and the problem, but no token. */
export function readTokens(file: string): KnownToken[] {
  return parsed(file, readFile(file)).tokens;
}

/**
 * Reload a token file when it changes; a removed token is no longer valid. While the file has a problem the last tokens stay valid, but not for
 * longer than `graceMs`: one that was taken out of it must not go on. Throws as readTokens when the first reading fails.
 */
export function watchTokens(
  file: string,
  log: (level: 'info' | 'error', fields: Record<string, unknown>, message: string) => void,
  graceMs = GRACE_MS,
): WatchedTokens {
  let known = readTokens(file);
  let unreadableSince: number | undefined;
  let again: NodeJS.Timeout | undefined;
  const readAgain = () => {
    clearTimeout(again);
    try {
      known = readTokens(file);
      unreadableSince = undefined;
      log('info', { file, tokens: known.length }, 'tokens read');
    } catch (error) {
      unreadableSince ??= Date.now();
      const isOver = Date.now() - unreadableSince >= graceMs;
      if (isOver) known = [];
      const effect = isOver ? 'no token is accepted' : `the previous tokens stay valid for ${graceMs / 60_000} minutes`;
      log('error', { reason: error instanceof Error ? error.message : '' }, `token file not usable: ${effect}`);
      again = setTimeout(readAgain, Math.min(AGAIN_MS, graceMs)).unref();
    }
  };
  // Polling also notices a replaced file, on any file system.
  watchFile(file, { interval: LOOK_MS, persistent: false }, readAgain);
  const close = () => {
    clearTimeout(again);
    unwatchFile(file, readAgain);
  };
  return { tokens: () => known, readAgain, close };
}

/**
 * Make a token and add its hash to a file that keeps its owner and mode; a missing one is made for its owner alone. Only the return value holds
 * the token itself. Throws an Error when the file has a problem or a token of that name.
 */
export function addToken(file: string, name: string, hosts: string[], verbs: Verb[], expires?: Date): string {
  const before = statSync(file, { throwIfNoEntry: false });
  const text = before === undefined ? { tokens: [] } : readFile(file);
  if (parsed(file, text).tokens.some((known) => known.name === name))
    throw new Error(`${file} has a token ${name} already: remove its entry first`);
  const { token, entry } = newToken(name, hosts, verbs, expires);
  const whole = { tokens: [...(text as { tokens: unknown[] }).tokens, entry] };
  parsed(file, whole);
  // A concurrent reader finds the old file or the new one.
  const beside = `${file}.${process.pid}.new`;
  writeFileSync(beside, `${JSON.stringify(whole, undefined, 2)}\n`, { mode: 0o600, flag: 'wx' });
  try {
    if (before !== undefined) keepOwner(file, before, beside);
    renameSync(beside, file);
  } catch (error) {
    rmSync(beside);
    throw error;
  }
  return token;
}

/** The gateway runs as another user than who makes tokens: it must still be able to read the file. */
function keepOwner(file: string, { uid, gid, mode }: Stats, beside: string): void {
  const own = statSync(beside);
  try {
    if (own.uid !== uid || own.gid !== gid) chownSync(beside, uid, gid);
    chmodSync(beside, mode & 0o777);
  } catch {
    throw new Error(`${file} belongs to another user (${uid}:${gid}): make tokens as that user or as root`);
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
