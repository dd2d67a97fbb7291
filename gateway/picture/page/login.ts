import type { Login } from './api.ts';

/** The tokens of a person who has logged in: in the memory of this page alone, for no script of a later page to find. */
let held: { access: string; refresh: string | undefined; login: Login } | undefined;

/** A login on its way through the identity provider's pages. */
type Begun = { login: string; state: string; verifier: string; back: string };
const BEGUN = 'login';
/** The last login's provider: a page that is loaded anew goes there by itself, once. */
const LAST = 'loggedInBy';

/** The providers by which this gateway lets people log in. */
export async function getLogins(): Promise<Login[]> {
  const answer = await fetch('/page/login.json').catch(() => undefined);
  return answer?.ok ? (await answer.json()).logins : [];
}

/** The token of who has logged in. */
export function heldToken(): string | undefined {
  return held?.access;
}

/** Leave for the provider's page: authorization code with PKCE (RFC 7636), for a client without a secret. */
export async function leaveToLogIn(login: Login): Promise<never> {
  // Browsers give `subtle` to pages over HTTPS and of this machine alone.
  if (crypto.subtle === undefined) throw new Error('logging in needs HTTPS');
  const begun: Begun = { login: login.name, state: random(), verifier: random(), back: location.href };
  sessionStorage.setItem(BEGUN, JSON.stringify(begun));
  sessionStorage.removeItem(LAST);
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(begun.verifier));
  const to = new URL(login.authorizationEndpoint);
  const asked = {
    response_type: 'code',
    client_id: login.clientId,
    redirect_uri: redirectUri(),
    scope: login.scope,
    state: begun.state,
    code_challenge: base64url(new Uint8Array(digest)),
    code_challenge_method: 'S256',
    ...(login.resource === undefined ? {} : { resource: login.resource }),
  };
  for (const [name, value] of Object.entries(asked)) to.searchParams.set(name, value);
  location.assign(to);
  return new Promise(() => {});
}

/** Take up what the provider's page has sent, if this page comes from there. Answers why nobody is logged in, or nothing. */
export async function comeBack(): Promise<string> {
  const said = new URLSearchParams(location.search);
  const begun = takeBegun();
  if (begun === undefined || !said.has('state')) return '';
  // Code and state leave the address and the history first.
  history.replaceState(null, '', begun.back);
  const login = (await getLogins()).find(({ name }) => name === begun.login);
  // Another site may have sent the browser here with a code of its own (CSRF), or of another provider (RFC 9207).
  if (said.get('state') !== begun.state || login === undefined) return 'The login was not begun here.';
  if (said.has('iss') && said.get('iss') !== login.issuer) return 'Another identity provider has answered.';
  const code = said.get('code');
  if (code === null) return `${login.name} refuses the login: ${said.get('error_description') ?? said.get('error')}`;
  return fetchToken(login, {
    grant_type: 'authorization_code',
    code,
    redirect_uri: redirectUri(),
    code_verifier: begun.verifier,
  });
}

let renewing: Promise<boolean> | undefined;

/** Get a new token for the held one, which the gateway no longer accepts. False when that takes a person: none is held then. */
export function renew(): Promise<boolean> {
  renewing ??= refreshed().finally(() => {
    renewing = undefined;
  });
  return renewing;
}

async function refreshed(): Promise<boolean> {
  if (held?.refresh !== undefined) {
    const { login, refresh } = held;
    if ((await fetchToken(login, { grant_type: 'refresh_token', refresh_token: refresh })) === '') return true;
  }
  held = undefined;
  return false;
}

/** The provider of the last login, once: a loop would never show why a token is refused. */
export function takeLastLogin(logins: readonly Login[]): Login | undefined {
  const name = sessionStorage.getItem(LAST);
  sessionStorage.removeItem(LAST);
  return logins.find((login) => login.name === name);
}

async function fetchToken(login: Login, asked: Record<string, string>): Promise<string> {
  const resource = login.resource === undefined ? {} : { resource: login.resource };
  const body = new URLSearchParams({ client_id: login.clientId, ...resource, ...asked });
  try {
    const answer = await fetch(login.tokenEndpoint, { method: 'POST', body, credentials: 'omit' });
    const { access_token: access, refresh_token: refresh, error } = await answer.json();
    if (typeof access !== 'string') return `${login.name} gives no token: ${error ?? answer.status}`;
    held = { access, refresh: typeof refresh === 'string' ? refresh : undefined, login };
    sessionStorage.setItem(LAST, login.name);
    return '';
  } catch {
    return `${login.name} does not answer this page: it must allow the origin ${location.origin}`;
  }
}

function takeBegun(): Begun | undefined {
  const text = sessionStorage.getItem(BEGUN);
  sessionStorage.removeItem(BEGUN);
  return text === null ? undefined : JSON.parse(text);
}

function redirectUri(): string {
  return `${location.origin}${location.pathname}`;
}

function random(): string {
  return base64url(crypto.getRandomValues(new Uint8Array(32)));
}

function base64url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '');
}
