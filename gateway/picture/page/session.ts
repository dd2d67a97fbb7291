import type { Answers, FullOperation, Problem } from './api.ts';
import { element } from './dom.ts';
import { comeBack, getLogins, heldToken, leaveToLogIn, renew, takeLastLogin } from './login.ts';

/** The one dialog that is open, for all requests that were refused meanwhile. */
let asking: Promise<void> | undefined;

/** Why the login that this page comes from has failed; empty when it has not, or there was none. */
const cameBack = comeBack();

/** The gateway's refusal of a request; `problem` is what it says of it. */
export class Refusal extends Error {
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(problem.detail);
    this.problem = problem;
  }
}

/** A request that changes something: `key` makes a repeat of it the same operation. */
export type Sent = { method: string; body?: unknown; key?: string; reason?: string };

/** Fetch with the token, asking for one as long as there is none that the gateway knows. Throws a Refusal that says why not. */
export async function request(path: string, signal?: AbortSignal, sent?: Sent): Promise<Response> {
  const failedLogin = await cameBack;
  for (let renewed = false; ; ) {
    const token = tokenNow();
    const answer = canBeSent(token) ? await ask(path, token, signal, sent) : undefined;
    if (answer?.ok) return answer;
    if (answer !== undefined && answer.status !== 401) throw new Refusal(await problemOf(answer));
    // Another request may have got a new one since.
    if (token !== tokenNow()) continue;
    const isHeld = token !== null && token === heldToken();
    if (isHeld && !renewed) {
      renewed = await renew();
      if (renewed) continue;
    }
    const refused = isHeld && answer !== undefined ? (await problemOf(answer)).detail : 'This token is not known.';
    await askForToken(token === null ? failedLogin : refused);
  }
}

function tokenNow(): string | null {
  return heldToken() ?? sessionStorage.getItem('token');
}

/** The token goes in a header and never in a cookie: a page of another site can send no request in the reader's name. */
function ask(
  path: string,
  token: string | null,
  signal: AbortSignal | undefined,
  { method = 'GET', body, key, reason }: Partial<Sent> = {},
): Promise<Response> {
  return fetch(path, {
    method,
    headers: {
      ...(token === null ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(key === undefined ? {} : { 'idempotency-key': key }),
      ...(reason === undefined || reason === '' ? {} : { 'change-reason': encodeURIComponent(reason) }),
    },
    body: body === undefined ? null : JSON.stringify(body),
    signal: signal ?? null,
  });
}

/** No browser puts more than this into a header: what was pasted with it is no token. */
function canBeSent(token: string | null): boolean {
  return token === null || /^[\x20-\x7e]*$/.test(token);
}

/** The hosts that the caller may read. */
export async function getHosts(): Promise<Answers['hosts']> {
  return (await request('/v1/hosts')).json();
}

/** A guest's record and z/VM's side of it. */
export async function getGuest(host: string, userid: string): Promise<Answers['guest']> {
  return (await request(`/v1/hosts/${encodeURIComponent(host)}/guests/${encodeURIComponent(userid)}`)).json();
}

export async function getOperations(query: URLSearchParams): Promise<Answers['operations']> {
  return (await request(`/v1/operations?${query}`)).json();
}

/** An operation as it is now: the named run of it. */
export async function getOperation(id: string, runId: string): Promise<FullOperation> {
  return (await request(`/v1/operations/${encodeURIComponent(id)}?runId=${encodeURIComponent(runId)}`)).json();
}

/** Send a change. Answers the operation that it has started. */
export async function send(path: string, sent: Sent): Promise<FullOperation> {
  return (await request(path, undefined, sent)).json();
}

async function problemOf(answer: Response): Promise<Problem> {
  const text = await answer.text();
  const unsaid = { type: '', title: '', status: answer.status, instance: '' };
  try {
    const problem: Partial<Problem> = JSON.parse(text);
    return { ...unsaid, detail: text, ...problem };
  } catch {
    return { ...unsaid, detail: `${answer.status} ${answer.statusText}` };
  }
}

function askForToken(why: string): Promise<void> {
  asking ??= new Promise<void>((resolve) => {
    const dialog = element('login');
    const field = element('token');
    element('why').textContent = why;
    field.value = '';
    // Without a token there is nothing to go back to.
    dialog.oncancel = (event) => event.preventDefault();
    dialog.onclose = () => {
      asking = undefined;
      sessionStorage.setItem('token', field.value.trim());
      field.value = '';
      resolve();
    };
    dialog.showModal();
    field.focus();
    void offerLogins(why === '');
  });
  return asking;
}

/** A button for each identity provider. A page that was only loaded anew goes back to the one of its login. */
async function offerLogins(byItself: boolean): Promise<void> {
  const logins = await getLogins();
  const again = takeLastLogin(logins);
  if (byItself && again !== undefined) return leaveToLogIn(again);
  const buttons = logins.map((login) => {
    const button = document.createElement('button');
    button.type = 'button';
    button.textContent = `Log in by ${login.name}`;
    button.onclick = () =>
      leaveToLogIn(login).catch((error: Error) => {
        element('why').textContent = error.message;
      });
    return button;
  });
  element('logins').replaceChildren(...buttons);
}
