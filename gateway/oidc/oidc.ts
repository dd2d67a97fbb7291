import { decodeJwt, type JWTPayload } from 'jose';
import type { Caller } from '../http/callers.ts';
import { grantsOf, nameOf } from './claims.ts';
import type { IssuerSettings } from './file.ts';
import { type Get, Issuer, TokenRefused } from './issuer.ts';

/** The data by which the picture sends a person to an identity provider: nothing of it is secret. */
export type Login = {
  name: string;
  issuer: string;
  clientId: string;
  scope: string;
  resource?: string;
  authorizationEndpoint: string;
  tokenEndpoint: string;
};

/** Callers of identity providers: JWTs are checked by issuer, audience, signature and time, and their claims give the rights. */
export class Oidc {
  readonly #issuers: readonly Issuer[];

  /** `getFor` answers the function that reads the URLs of an issuer. */
  constructor(issuers: readonly IssuerSettings[], getFor: (issuer: IssuerSettings) => Get, unknownKeyPauseMs?: number) {
    this.#issuers = issuers.map((settings) => new Issuer(settings, getFor(settings), unknownKeyPauseMs));
  }

  /** The bearer of a token. Throws TokenRefused or IssuerDoesNotAnswer. */
  async callerOf(token: string): Promise<Caller> {
    const { iss } = unverified(token);
    const issuer = this.#issuers.find(({ settings }) => settings.issuer === iss);
    if (issuer === undefined) throw new TokenRefused('the token is of an unknown issuer');
    const claims = await issuer.claimsOf(token);
    const name = nameOf(claims, issuer.settings);
    if (name === undefined) throw new TokenRefused(`the claim ${issuer.settings.nameClaim} of the token is not valid`);
    const grants = grantsOf(claims, issuer.settings);
    const until = ((claims.exp ?? 0) + issuer.settings.clockToleranceSeconds) * 1_000;
    return { name, grants: () => (Date.now() < until ? grants : []), isRevoked: () => false };
  }

  /** The providers by which the picture can log in now; `missing` is told of each that does not answer. */
  async logins(missing: (issuer: string, error: unknown) => void): Promise<Login[]> {
    const all = await Promise.all(
      this.#issuers.map(async (issuer) => {
        const { name, login } = issuer.settings;
        if (login === undefined) return [];
        try {
          const { issuer: iss, authorization_endpoint, token_endpoint } = await issuer.discovered();
          const { resource, ...client } = login;
          const endpoints = { authorizationEndpoint: authorization_endpoint, tokenEndpoint: token_endpoint };
          return [{ name, issuer: iss, ...client, ...(resource === undefined ? {} : { resource }), ...endpoints }];
        } catch (error) {
          missing(issuer.settings.issuer, error);
          return [];
        }
      }),
    );
    return all.flat();
  }
}

/** True for a text of the form of a JWT: a token of the file has no dots. */
export function isJwt(token: string): boolean {
  return /^[\w-]+\.[\w-]+\.[\w-]*$/.test(token);
}

function unverified(token: string): JWTPayload {
  try {
    return decodeJwt(token);
  } catch {
    throw new TokenRefused('the token is malformed');
  }
}
