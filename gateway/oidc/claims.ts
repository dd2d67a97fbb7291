import type { JWTPayload } from 'jose';
import type { Grant } from '../http/callers.ts';
import type { IssuerSettings } from './file.ts';

/** RFC 8693 and its forerunners have several words in one text. */
const WORDS = new Set(['scope', 'scp']);
const LONGEST_NAME = 150;

/** The rights that the claims of a token give. A claim that is absent or of another form gives none. */
export function grantsOf(claims: JWTPayload, { grants }: Pick<IssuerSettings, 'grants'>): Grant[] {
  return grants.filter(({ claim, value }) => valuesOf(claims, claim).includes(value));
}

/** The caller's name, `<issuer's name>:<claim>`. Undefined when the claim is no usable name. */
export function nameOf(claims: JWTPayload, { name, nameClaim }: Pick<IssuerSettings, 'name' | 'nameClaim'>) {
  const subject = own(claims, nameClaim);
  if (typeof subject !== 'string' || subject.trim() === '' || subject.length > LONGEST_NAME) return undefined;
  return /\p{Cc}/u.test(subject) ? undefined : `${name}:${subject}`;
}

function valuesOf(claims: JWTPayload, claim: string | readonly string[]): unknown[] {
  const path = typeof claim === 'string' ? [claim] : claim;
  let value: unknown = claims;
  for (const key of path) value = own(value, key);
  if (typeof value !== 'string') return Array.isArray(value) ? value : [];
  return WORDS.has(path.at(-1) ?? '') ? value.split(' ') : [value];
}

function own(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null ? new Map(Object.entries(value)).get(key) : undefined;
}
