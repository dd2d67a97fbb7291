import { z } from 'zod';
import { NeutronError } from './errors.ts';

export type KeystoneCredentials = {
  /** A path `/v2.0` or `/v3` chooses the protocol; without either, or where v2 is gone (since Queens, 2018), v3 is used. */
  authUrl: string;
  username: string;
  password: string;
  project: string;
  userDomain: string;
  projectDomain: string;
};

/** The HTTP client: `fetch`, or one that verifies against another CA. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

type Token = { id: string; until: number };

const V2Answer = z.object({ access: z.object({ token: z.object({ id: z.string(), expires: z.string() }) }) });
const V3Answer = z.object({ token: z.object({ expires_at: z.string() }) });
/** A token counts as expired one minute early. */
const MARGIN_MS = 60_000;

/** Tokens of one user, fetched when needed and kept until they expire. */
export class Keystone {
  readonly #credentials: KeystoneCredentials;
  readonly #fetch: Fetch;
  #token: Promise<Token> | undefined;

  constructor(credentials: KeystoneCredentials, fetch: Fetch) {
    this.#credentials = credentials;
    this.#fetch = fetch;
  }

  /** A valid token. Throws a NeutronError that holds neither password nor token. */
  async token(): Promise<string> {
    const kept = await this.#token?.catch(() => undefined);
    if (kept !== undefined && kept.until > Date.now() + MARGIN_MS) return kept.id;
    this.#token = this.#request();
    return (await this.#token).id;
  }

  /** Drop the token after Neutron refused it; the next call fetches a new one. */
  forget(): void {
    this.#token = undefined;
  }

  async #request(): Promise<Token> {
    const base = this.#credentials.authUrl.replace(/\/+$/, '');
    return /\/v2\.0$/.test(base) ? this.#requestV2(base) : this.#requestV3(/\/v3$/.test(base) ? base : `${base}/v3`);
  }

  async #requestV2(base: string): Promise<Token> {
    const { username, password, project } = this.#credentials;
    const body = { auth: { tenantName: project, passwordCredentials: { username, password } } };
    const answer = await this.#post(`${base}/tokens`, body, [404, 410]);
    if (!answer.ok) return this.#requestV3(base.replace(/v2\.0$/, 'v3'));
    const parsed = V2Answer.safeParse(await json(answer));
    if (!parsed.success)
      throw new NeutronError('bad-answer', 'request a token from Keystone', 'the answer has no token');
    const { id, expires } = parsed.data.access.token;
    return { id, until: Date.parse(expires) };
  }

  async #requestV3(base: string): Promise<Token> {
    const { username, password, project, userDomain, projectDomain } = this.#credentials;
    const user = { name: username, password, domain: { name: userDomain } };
    const scope = { project: { name: project, domain: { name: projectDomain } } };
    const body = { auth: { identity: { methods: ['password'], password: { user } }, scope } };
    const answer = await this.#post(`${base}/auth/tokens`, body);
    const id = answer.headers.get('x-subject-token');
    const parsed = V3Answer.safeParse(await json(answer));
    if (id === null || !parsed.success)
      throw new NeutronError('bad-answer', 'request a token from Keystone', 'the answer has no token');
    return { id, until: Date.parse(parsed.data.token.expires_at) };
  }

  async #post(url: string, body: unknown, expected: readonly number[] = []): Promise<Response> {
    const operation = 'request a token from Keystone';
    let answer: Response;
    try {
      answer = await this.#fetch(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', accept: 'application/json' },
        body: JSON.stringify(body),
      });
    } catch (error) {
      throw new NeutronError('unreachable', operation, reasonOf(error));
    }
    if (answer.ok || expected.includes(answer.status)) return answer;
    const code =
      answer.status === 401 || answer.status === 403
        ? 'unauthorised'
        : answer.status >= 500
          ? 'unreachable'
          : 'bad-answer';
    throw new NeutronError(code, operation, `HTTP ${answer.status}`);
  }
}

/** The reason of a failed `fetch`, without the request: the code of the underlying error. */
export function reasonOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  if (cause instanceof Error && 'code' in cause) return String(cause.code);
  return cause instanceof Error && cause.name === 'TimeoutError' ? 'no answer in time' : 'no connection';
}

async function json(answer: Response): Promise<unknown> {
  try {
    return await answer.json();
  } catch {
    return undefined;
  }
}
