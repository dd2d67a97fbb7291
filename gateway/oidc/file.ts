import { z } from 'zod';
import { VERBS } from '../http/tokens.ts';

/** Signatures by a private key. `none` and those by a shared secret (HS…) are no choice: a public key must never serve as a secret. */
const ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA'] as const;

/** Plain HTTP reaches this machine alone: whoever changes the keys on their way is anybody. */
const Https = z
  .url('must be a URL')
  .refine(
    (text) => /^(https:|http:\/\/(127(\.\d+){3}|\[::1\]|localhost)(:|\/|$))/.test(text),
    'must begin with https://',
  );

const Text = z.string().min(1);

const Grant = z.strictObject({
  /** The name of a claim, or the path to a nested one. */
  claim: z.union([Text, z.array(Text).min(1)]),
  value: Text,
  hosts: z.array(Text).min(1),
  verbs: z.array(z.enum(VERBS)).min(1),
});

const Issuer = z.strictObject({
  /** The prefix of its callers' names. */
  name: z.string().regex(/^[A-Za-z0-9._-]{1,40}$/, 'must be 1 to 40 letters, digits, dots, dashes or underscores'),
  issuer: Https,
  audience: Text,
  /** Found by the issuer's discovery document when left out. */
  jwksUri: Https.optional(),
  algorithms: z.array(z.enum(ALGORITHMS)).min(1).default(['RS256', 'PS256', 'ES256', 'EdDSA']),
  clockToleranceSeconds: z.number().int().min(0).max(300).default(30),
  /** The claim that names the caller. */
  nameClaim: Text.default('sub'),
  /** The file of certificates, in PEM format, that the issuer's certificate is checked against. */
  caFile: Text.optional(),
  /** The client as which the picture logs in. It has no secret. */
  login: z.strictObject({ clientId: Text, scope: Text.default('openid'), resource: Text.optional() }).optional(),
  grants: z.array(Grant).min(1),
});
export type IssuerSettings = z.output<typeof Issuer>;

/** The identity providers of a gateway, and the rights that their claims give. */
export const OidcFile = z.strictObject({
  issuers: z
    .array(Issuer)
    .min(1)
    .refine((all) => new Set(all.map(({ issuer }) => issuer)).size === all.length, 'an issuer is named twice')
    .refine((all) => new Set(all.map(({ name }) => name)).size === all.length, 'a name is given twice'),
});
