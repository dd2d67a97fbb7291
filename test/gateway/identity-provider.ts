import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, type JWK, type JWTPayload, SignJWT } from 'jose';
import Provider from 'oidc-provider';

export const AUDIENCE = 'https://zvm.example/api';
export const OTHER_AUDIENCE = 'https://other.example/api';
const LIVES_SECONDS = 600;

/** An OpenID provider on loopback: everybody who logs in is an operator. */
export type IdentityProvider = {
  issuer: string;
  /** Requests for its keys so far. */
  keysRead(): number;
  /** A token of the client `ci`, by client credentials. */
  tokenFor(audience: string): Promise<string>;
  /** A token with these claims, signed by its present key. */
  sign(claims: JWTPayload): Promise<string>;
  publicKey(): JWK;
  /** Sign by a new key from here on, and show no other. */
  rotate(): Promise<void>;
  /** Let a page at this URL log people in. */
  allowLogin(url: string): Promise<void>;
  close(): Promise<void>;
};

export async function startIdentityProvider(): Promise<IdentityProvider> {
  let handle: RequestListener = (_request, response) => response.end();
  let keysRead = 0;
  const server = createServer((request, response) => {
    if (request.url === '/jwks') keysRead += 1;
    return handle(request, response);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  let key = await newKey();
  let page: string | undefined;
  const renew = () => {
    handle = providerOf(issuer, key.jwk, page).callback();
  };
  renew();
  return {
    issuer,
    keysRead: () => keysRead,
    async tokenFor(resource) {
      const answer = await fetch(`${issuer}/token`, {
        method: 'POST',
        headers: { authorization: `Basic ${Buffer.from('ci:secret').toString('base64')}` },
        body: new URLSearchParams({ grant_type: 'client_credentials', resource }),
      });
      const { access_token } = (await answer.json()) as { access_token: string };
      return access_token;
    },
    sign: (claims) =>
      new SignJWT({ iss: issuer, aud: AUDIENCE, sub: 'alice', groups: ['operators'], ...claims })
        .setProtectedHeader({ alg: 'RS256', kid: key.jwk.kid ?? '' })
        .sign(key.privateKey),
    publicKey: () => ({ kty: 'RSA', n: key.jwk.n ?? '', e: key.jwk.e ?? '' }),
    async rotate() {
      key = await newKey();
      renew();
    },
    async allowLogin(url) {
      page = url;
      renew();
    },
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

async function newKey() {
  const { privateKey } = await generateKeyPair('RS256', { extractable: true });
  const jwk = { ...(await exportJWK(privateKey)), kid: crypto.randomUUID(), alg: 'RS256', use: 'sig' };
  return { privateKey, jwk };
}

function providerOf(issuer: string, key: JWK, page: string | undefined): Provider {
  const picture = {
    client_id: 'picture',
    token_endpoint_auth_method: 'none' as const,
    redirect_uris: [`${page}/`],
  };
  return new Provider(issuer, {
    clients: [
      {
        client_id: 'ci',
        client_secret: 'secret',
        grant_types: ['client_credentials'],
        redirect_uris: [],
        response_types: [],
      },
      ...(page === undefined ? [] : [picture]),
    ],
    jwks: { keys: [key] },
    cookies: { keys: ['of a test'] },
    pkce: { required: () => true },
    clientBasedCORS: () => true,
    findAccount: (_context, id) => ({ accountId: id, claims: async () => ({ sub: id }) }),
    extraTokenClaims: () => ({ groups: ['operators'] }),
    features: {
      clientCredentials: { enabled: true },
      devInteractions: { enabled: true },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: (_context, audience) => ({
          audience,
          scope: 'read',
          accessTokenFormat: 'jwt',
          accessTokenTTL: LIVES_SECONDS,
          jwt: { sign: { alg: 'RS256' } },
        }),
        useGrantedResource: () => true,
      },
    },
  });
}
