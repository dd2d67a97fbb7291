import { createRemoteJWKSet, customFetch, errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from 'jose';
import { z } from 'zod';
import { messageOf } from '../../domain/text/error-message.ts';
import type { IssuerSettings } from './file.ts';

/** Reads a URL of an identity provider. */
export type Get = (url: string, options: { headers: Record<string, string>; signal: AbortSignal }) => Promise<Response>;

/** OpenID Connect Discovery 1.0, section 3: the part that is used. */
const Discovered = z.object({
  issuer: z.string(),
  jwks_uri: z.url(),
  authorization_endpoint: z.url(),
  token_endpoint: z.url(),
});
type Discovered = z.output<typeof Discovered>;

/** The identity provider cannot be asked for its keys: nothing is known about the token. */
export class IssuerDoesNotAnswer extends Error {}

/** The token is not accepted. The message is a sentence's part without any of its content. */
export class TokenRefused extends Error {}

const ANSWER_MS = 5_000;
/** The provider is not asked again sooner after a failure. */
const FAILED_FOR_MS = 5_000;
const DISCOVERED_FOR_MS = 600_000;
/** An unknown key makes the keys be read again, at most this often: anybody can send one. */
const UNKNOWN_KEY_PAUSE_MS = 30_000;
/** A key that the provider has withdrawn is accepted for this long. */
const KEYS_FOR_MS = 600_000;

/** One identity provider: its endpoints and keys, read when they are needed, and its tokens. */
export class Issuer {
  readonly settings: IssuerSettings;
  readonly #get: Get;
  readonly #unknownKeyPauseMs: number;
  #discovered: { until: number; document: Promise<Discovered> } | undefined;
  #keys: { uri: string; get: JWTVerifyGetKey } | undefined;
  #failure: { until: number; reason: string } | undefined;

  constructor(settings: IssuerSettings, get: Get, unknownKeyPauseMs = UNKNOWN_KEY_PAUSE_MS) {
    this.settings = settings;
    this.#get = get;
    this.#unknownKeyPauseMs = unknownKeyPauseMs;
  }

  /** The claims of a token of this issuer for this audience. Throws TokenRefused or IssuerDoesNotAnswer. */
  async claimsOf(token: string): Promise<JWTPayload> {
    const { issuer, audience, algorithms, clockToleranceSeconds, jwksUri } = this.settings;
    const keys = this.#keysAt(jwksUri ?? (await this.discovered()).jwks_uri);
    try {
      const { payload } = await jwtVerify(token, keys, {
        issuer,
        audience,
        algorithms,
        clockTolerance: clockToleranceSeconds,
        requiredClaims: ['exp', 'sub'],
      });
      return payload;
    } catch (error) {
      const reason = refusalOf(error);
      if (reason !== undefined) throw new TokenRefused(reason);
      throw new IssuerDoesNotAnswer(messageOf(error));
    }
  }

  /** The provider's endpoints. Throws IssuerDoesNotAnswer. */
  discovered(): Promise<Discovered> {
    if (this.#discovered === undefined || Date.now() >= this.#discovered.until) {
      const document = this.#discover();
      const known = { until: Number.POSITIVE_INFINITY, document };
      this.#discovered = known;
      document.then(
        () => {
          known.until = Date.now() + DISCOVERED_FOR_MS;
        },
        () => {
          known.until = Date.now() + FAILED_FOR_MS;
        },
      );
    }
    return this.#discovered.document;
  }

  async #discover(): Promise<Discovered> {
    const { issuer } = this.settings;
    try {
      const url = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
      const options = { headers: { accept: 'application/json' }, signal: AbortSignal.timeout(ANSWER_MS) };
      const answer = await this.#get(url, options);
      if (answer.status !== 200) throw new Error(`${url} answers ${answer.status}`);
      const document = Discovered.parse(await answer.json());
      if (document.issuer !== issuer) throw new Error(`${url} is the document of another issuer`);
      return document;
    } catch (error) {
      throw new IssuerDoesNotAnswer(messageOf(error));
    }
  }

  #keysAt(uri: string): JWTVerifyGetKey {
    if (this.#keys?.uri !== uri) {
      const get = createRemoteJWKSet(new URL(uri), {
        timeoutDuration: ANSWER_MS,
        cooldownDuration: this.#unknownKeyPauseMs,
        cacheMaxAge: KEYS_FOR_MS,
        [customFetch]: (url, { headers, signal }) => this.#getKeys(url, Object.fromEntries(headers), signal),
      });
      this.#keys = { uri, get };
    }
    return this.#keys.get;
  }

  /** The library pauses after an answer alone. */
  async #getKeys(url: string, headers: Record<string, string>, signal: AbortSignal): Promise<Response> {
    if (this.#failure !== undefined && Date.now() < this.#failure.until) throw new Error(this.#failure.reason);
    this.#failure = undefined;
    try {
      const answer = await this.#get(url, { headers, signal });
      if (answer.status !== 200) throw new Error(`${url} answers ${answer.status}`);
      return answer;
    } catch (error) {
      this.#failure = { until: Date.now() + FAILED_FOR_MS, reason: messageOf(error) };
      throw error;
    }
  }
}

/** The reason why a token is refused; undefined for a failure that is not the token's. */
function refusalOf(error: unknown): string | undefined {
  if (error instanceof errors.JWTExpired) return 'the token has expired';
  if (error instanceof errors.JWTClaimValidationFailed)
    return error.claim === 'aud'
      ? 'the token is for another audience'
      : `the claim ${error.claim} of the token is not valid`;
  if (error instanceof errors.JOSEAlgNotAllowed) return 'the algorithm of the token is not allowed';
  if (error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWKSMultipleMatchingKeys)
    return 'the token is signed by an unknown key';
  if (error instanceof errors.JWSSignatureVerificationFailed) return 'the signature of the token is wrong';
  if (
    error instanceof errors.JWTInvalid ||
    error instanceof errors.JWSInvalid ||
    error instanceof errors.JOSENotSupported
  )
    return 'the token is malformed';
  return undefined;
}
