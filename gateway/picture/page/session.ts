import type { Answers } from './api.ts';
import { element } from './dom.ts';
import { comeBack, getLogins, heldToken, leaveToLogIn, renew, takeLastLogin } from './login.ts';

/** The one dialog that is open, for all requests that were refused meanwhile. */
let asking: Promise<void> | undefined;

/** Why the login that this page comes from has failed; empty when it has not, or there was none. */
const cameBack = comeBack();

/** The gateway's refusal of a request. */
export class Refusal extends Error {}

/** Fetch with the token, asking for one as long as there is none that the gateway knows. Throws a Refusal that says why not. */
export async function request(path: string, signal?: AbortSignal): Promise<Response> {
  const failedLogin = await cameBack;
  for (let renewed = false; ; ) {
    const token = tokenNow();
    const answer = canBeSent(token) ? await ask(path, token, signal) : undefined;
    if (answer?.ok) return answer;
    if (answer !== undefined && answer.status !== 401) throw new Refusal(await reasonOf(answer));
    // Another request may have got a new one since.
    if (token !== tokenNow()) continue;
    const isHeld = token !== null && token === heldToken();
    if (isHeld && !renewed) {
      renewed = await renew();
      if (renewed) continue;
    }
    const refused = isHeld && answer !== undefined ? await reasonOf(answer) : 'This token is not known.';
    await askForToken(token === null ? failedLogin : refused);
  }
}

function tokenNow(): string | null {
  return heldToken() ?? sessionStorage.getItem('token');
}

function ask(path: string, token: string | null, signal: AbortSignal | undefined): Promise<Response> {
  return fetch(path, {
    headers: token === null ? {} : { authorization: `Bearer ${token}` },
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

async function reasonOf(answer: Response): Promise<string> {
  const text = await answer.text();
  try {
    return JSON.parse(text).detail ?? text;
  } catch {
    return `${answer.status} ${answer.statusText}`;
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
