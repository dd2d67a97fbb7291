import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';

/** The verbs of a token: to read; to change ports, NICs and VSWITCHes; to reconcile; to approve what others have asked for. */
export const VERBS = ['read', 'change', 'reconcile', 'approve'] as const;
export type Verb = (typeof VERBS)[number];

const Sha256 = z
  .string()
  .regex(/^[0-9a-f]{64}$/, 'must be the SHA-256 of a token, in 64 hex digits')
  .transform((text) => Buffer.from(text, 'hex'));

/** A file of tokens: name, SHA-256, hosts and verbs of each. `*` is every host. */
export const TokenFile = z.strictObject({
  tokens: z.array(
    z.strictObject({
      name: z.string().min(1),
      sha256: Sha256,
      hosts: z.array(z.string()).min(1),
      verbs: z.array(z.enum(VERBS)).min(1),
    }),
  ),
});
export type KnownToken = z.output<typeof TokenFile>['tokens'][number];

/** The tokens known now, from a list or a function; undefined when every caller may do everything. */
export function knownNow(tokens: Tokens): readonly KnownToken[] | undefined {
  return typeof tokens === 'function' ? tokens() : tokens;
}
export type Tokens = readonly KnownToken[] | (() => readonly KnownToken[]) | undefined;

/** True until the token is removed. */
export function isKnown(caller: KnownToken, tokens: Tokens): boolean {
  return knownNow(tokens)?.some(({ sha256 }) => sha256.equals(caller.sha256)) ?? true;
}

/** True while a token still has the rights that it had at the start of a request. */
export function stillAllows(caller: KnownToken | undefined, tokens: Tokens, verb: Verb, host: string): boolean {
  if (caller === undefined) return true;
  return knownNow(tokens)?.some((token) => token.sha256.equals(caller.sha256) && allows(token, verb, host)) ?? true;
}

/** The owner of a token. Compares with every known token, in a time that does not depend on the token. */
export function ownerOf(token: string, known: readonly KnownToken[]): KnownToken | undefined {
  const digest = createHash('sha256').update(token).digest();
  let owner: KnownToken | undefined;
  for (const candidate of known) {
    if (timingSafeEqual(digest, candidate.sha256)) owner = candidate;
  }
  return owner;
}

/** A new token of 256 random bits, and its line for the file. */
export function newToken(
  name: string,
  hosts: string[],
  verbs: Verb[],
): { token: string; entry: z.input<typeof TokenFile>['tokens'][number] } {
  const token = `zvm_${randomBytes(32).toString('base64url')}`;
  return { token, entry: { name, sha256: createHash('sha256').update(token).digest('hex'), hosts, verbs } };
}

/** True when a token has any verb on a host. */
export function isFor(caller: Pick<KnownToken, 'hosts'> | undefined, host: string): boolean {
  return caller === undefined || caller.hosts.includes('*') || caller.hosts.includes(host);
}

/** True when a token has the verb on a host. */
export function allows(caller: Pick<KnownToken, 'hosts' | 'verbs'>, verb: Verb, host: string | undefined): boolean {
  return caller.verbs.includes(verb) && (host === undefined || isFor(caller, host));
}
