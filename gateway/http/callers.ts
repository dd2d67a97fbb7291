import { type KnownToken, knownNow, ownerOf, type Tokens, type Verb } from './tokens.ts';

/** Verbs on hosts; `*` is every host. */
export type Grant = { hosts: readonly string[]; verbs: readonly Verb[] };

/** The sender of a request, known by a token of the file or by one of an identity provider. */
export type Caller = {
  /** The name that operations show. */
  name: string;
  /** The present rights: none once the token was removed or has expired. */
  grants(): readonly Grant[];
  /** True once the token was removed. An expired one is not revoked: it is only not accepted again. */
  isRevoked(): boolean;
};

/** The caller of a token of the file; undefined when the token is unknown or has expired. */
export function callerOfToken(token: string, tokens: Tokens): Caller | undefined {
  const owner = ownerOf(token, knownNow(tokens) ?? []);
  if (owner === undefined || hasExpired(owner)) return undefined;
  const now = () => knownNow(tokens)?.find(({ sha256 }) => sha256.equals(owner.sha256));
  return {
    name: owner.name,
    grants: () => {
      const token = now();
      return token === undefined || hasExpired(token) ? [] : [token];
    },
    isRevoked: () => now() === undefined,
  };
}

function hasExpired({ expires }: KnownToken): boolean {
  return expires !== undefined && expires.getTime() <= Date.now();
}

/** True when a caller has any verb on a host. Without tokens everybody has all. */
export function isFor(caller: Caller | undefined, host: string): boolean {
  return caller === undefined || caller.grants().some((grant) => isOn(grant, host));
}

/** True when a caller has the verb on a host; without a host, on any. */
export function allows(caller: Caller, verb: Verb, host: string | undefined): boolean {
  return caller.grants().some((grant) => grant.verbs.includes(verb) && (host === undefined || isOn(grant, host)));
}

/** The hosts on which a caller has the verb; undefined for every host. */
export function hostsOf(caller: Caller | undefined, verb: Verb): readonly string[] | undefined {
  if (caller === undefined) return undefined;
  const hosts = new Set(caller.grants().flatMap((grant) => (grant.verbs.includes(verb) ? grant.hosts : [])));
  return hosts.has('*') ? undefined : [...hosts];
}

function isOn({ hosts }: Grant, host: string): boolean {
  return hosts.includes('*') || hosts.includes(host);
}
