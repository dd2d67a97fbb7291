import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import { defined } from '../../domain/defined.ts';

/** The verbs of a token: to read; to change ports, NICs and VSWITCHes; to reconcile; to approve what others have asked for. */
export const VERBS = ['read', 'change', 'reconcile', 'approve'] as const;
export type Verb = (typeof VERBS)[number];

const Sha256 = z
  .string()
  .regex(/^[0-9a-f]{64}$/, 'must be the SHA-256 of a token, in 64 hex digits')
  .transform((text) => Buffer.from(text, 'hex'));

/** The time from which a token is refused. A date begins at midnight UTC. */
export const Expiry = z
  .union([z.iso.datetime({ offset: true }), z.iso.date()], 'must be a date, or a date and time with its zone')
  .transform((text) => new Date(text));

/** A file of tokens: name, SHA-256, hosts and verbs of each, and the time from which it is refused. `*` is every host. */
export const TokenFile = z.strictObject({
  tokens: z.array(
    z.strictObject({
      name: z.string().min(1),
      sha256: Sha256,
      hosts: z.array(z.string()).min(1),
      verbs: z.array(z.enum(VERBS)).min(1),
      expires: Expiry.optional(),
    }),
  ),
});
export type KnownToken = z.output<typeof TokenFile>['tokens'][number];

/** The tokens known now, from a list or a function; undefined when every caller may do everything. */
export function knownNow(tokens: Tokens): readonly KnownToken[] | undefined {
  return typeof tokens === 'function' ? tokens() : tokens;
}
export type Tokens = readonly KnownToken[] | (() => readonly KnownToken[]) | undefined;

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
  expires?: Date,
): { token: string; entry: z.input<typeof TokenFile>['tokens'][number] } {
  const token = `zvm_${randomBytes(32).toString('base64url')}`;
  const sha256 = createHash('sha256').update(token).digest('hex');
  return { token, entry: { name, sha256, hosts, verbs, ...defined({ expires: expires?.toISOString() }) } };
}
