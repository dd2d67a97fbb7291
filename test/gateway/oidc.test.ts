import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { SignJWT, UnsecuredJWT } from 'jose';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parse } from 'yaml';
import { allows } from '../../gateway/http/callers.ts';
import { OidcFile } from '../../gateway/oidc/file.ts';
import { IssuerDoesNotAnswer } from '../../gateway/oidc/issuer.ts';
import type { Oidc } from '../../gateway/oidc/oidc.ts';
import { oidcOf } from '../../runtime/gateway/oidc-file.ts';
import { AUDIENCE, type IdentityProvider, OTHER_AUDIENCE, startIdentityProvider } from './identity-provider.ts';

let provider: IdentityProvider;
beforeAll(async () => {
  provider = await startIdentityProvider();
});
afterAll(() => provider.close());

const soon = () => Math.floor(Date.now() / 1_000) + 300;
const UNKNOWN_KEY_PAUSE_MS = 1_000;

function settings(changed: object = {}) {
  const grants = [
    { claim: 'groups', value: 'operators', hosts: ['zvm1'], verbs: ['read', 'change'] },
    { claim: ['realm_access', 'roles'], value: 'viewer', hosts: ['*'], verbs: ['read'] },
    { claim: 'scope', value: 'zvm.reconcile', hosts: ['zvm2'], verbs: ['reconcile'] },
  ];
  return { name: 'corp', issuer: provider.issuer, audience: AUDIENCE, grants, ...changed };
}
const oidcWith = (changed: object = {}): Oidc =>
  oidcOf(OidcFile.parse({ issuers: [settings(changed)] }).issuers, UNKNOWN_KEY_PAUSE_MS);

test('a token of the provider gives the rights of its claims, under a name that no other issuer gives', async () => {
  const caller = await oidcWith().callerOf(await provider.tokenFor(AUDIENCE));
  expect(caller.name).toBe('corp:ci');
  expect(allows(caller, 'change', 'zvm1')).toBe(true);
  expect(allows(caller, 'change', 'zvm2')).toBe(false);
  expect(allows(caller, 'reconcile', 'zvm1')).toBe(false);
});

test('nested claims and words of a scope give rights too; claims of another form give none', async () => {
  const oidc = oidcWith();
  const rights = async (claims: object) => {
    const caller = await oidc.callerOf(await provider.sign({ exp: soon(), groups: [], ...claims }));
    return (['read', 'change', 'reconcile'] as const).filter((verb) => allows(caller, verb, undefined));
  };
  expect(await rights({ realm_access: { roles: ['viewer'] } })).toEqual(['read']);
  expect(await rights({ scope: 'openid zvm.reconcile' })).toEqual(['reconcile']);
  expect(await rights({ groups: 'operators' })).toEqual(['read', 'change']);
  expect(await rights({ groups: 'operators of tea' })).toEqual([]);
  expect(await rights({ groups: { operators: true } })).toEqual([]);
  expect(await rights({ realm_access: 'viewer', scope: ['openid zvm.reconcile'] })).toEqual([]);
});

test.each([
  ['for another audience', () => provider.tokenFor(OTHER_AUDIENCE), 'another audience'],
  ['that has expired', () => provider.sign({ exp: soon() - 400 }), 'has expired'],
  ['without an end', () => provider.sign({}), 'the claim exp'],
  ['that is not valid yet', () => provider.sign({ exp: soon(), nbf: soon() - 10 }), 'the claim nbf'],
  ['of another issuer', () => provider.sign({ exp: soon(), iss: 'https://elsewhere.example' }), 'unknown issuer'],
  ['with a name of two lines', () => provider.sign({ exp: soon(), sub: 'alice\nroot' }), 'the claim sub'],
  [
    'without a signature',
    async () => new UnsecuredJWT({ iss: provider.issuer, aud: AUDIENCE, sub: 'alice', exp: soon() }).encode(),
    'algorithm',
  ],
  [
    'that is signed by the public key as a shared secret',
    () =>
      new SignJWT({ iss: provider.issuer, aud: AUDIENCE, sub: 'alice', exp: soon() })
        .setProtectedHeader({ alg: 'HS256' })
        .sign(new TextEncoder().encode(JSON.stringify(provider.publicKey()))),
    'algorithm',
  ],
  [
    'whose claims were changed',
    async () => {
      const [header, , signature] = (await provider.sign({ exp: soon() })).split('.');
      const claims = { iss: provider.issuer, aud: AUDIENCE, sub: 'mallory', exp: soon() };
      return `${header}.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.${signature}`;
    },
    'signature',
  ],
  ['that is none', async () => 'a.b.c', 'malformed'],
])('a token %s is refused', async (_case, token, reason) => {
  await expect(oidcWith().callerOf(await token())).rejects.toThrow(reason);
});

test('clocks may differ by the tolerance, and no more', async () => {
  const token = await provider.sign({ exp: soon() - 310 });
  await expect(oidcWith({ clockToleranceSeconds: 60 }).callerOf(token)).resolves.toMatchObject({ name: 'corp:alice' });
  await expect(oidcWith({ clockToleranceSeconds: 0 }).callerOf(token)).rejects.toThrow('has expired');
});

test('keys are read once for many tokens; a new key is found, and the old one is refused from then on', async () => {
  const oidc = oidcWith();
  const before = provider.keysRead();
  const old = await provider.tokenFor(AUDIENCE);
  for (let time = 0; time < 5; time += 1) await oidc.callerOf(old);
  expect(provider.keysRead() - before).toBe(1);
  await provider.rotate();
  const renewed = await provider.tokenFor(AUDIENCE);
  // Within the pause the new key is not looked for.
  await expect.poll(() => oidc.callerOf(renewed).then(({ name }) => name, String), { timeout: 10_000 }).toBe('corp:ci');
  expect(provider.keysRead() - before).toBe(2);
  await expect(oidc.callerOf(old)).rejects.toThrow('unknown key');
  for (let time = 0; time < 5; time += 1) await oidc.callerOf(old).catch(() => {});
  expect(provider.keysRead() - before).toBeLessThanOrEqual(3);
});

test('an issuer that does not answer is told apart from a token that is wrong', async () => {
  const gone = await startIdentityProvider();
  const oidc = oidcWith({ issuer: gone.issuer });
  const token = await gone.tokenFor(AUDIENCE);
  await gone.close();
  await expect(oidc.callerOf(token)).rejects.toBeInstanceOf(IssuerDoesNotAnswer);
});

test('the example of the documentation is accepted', () => {
  const text = readFileSync(join(import.meta.dirname, '../../docs/examples/oidc.yaml'), 'utf8');
  expect(OidcFile.parse(parse(text)).issuers.map(({ name }) => name)).toEqual(['corp', 'pipelines']);
});

test.each([
  ['an issuer by plain HTTP', { issuer: 'http://login.example' }, 'https://'],
  ['signatures by a shared secret', { algorithms: ['HS256'] }, 'Invalid option'],
  ['no signature', { algorithms: ['none'] }, 'Invalid option'],
  ['a verb that there is not', { grants: [{ claim: 'a', value: 'b', hosts: ['*'], verbs: ['write'] }] }, 'Invalid'],
  ['a misspelt key', { audiences: ['x'] }, 'audiences'],
])('a file with %s is refused', (_case, changed, reason) => {
  expect(() => OidcFile.parse({ issuers: [settings(changed)] })).toThrow(reason);
});
