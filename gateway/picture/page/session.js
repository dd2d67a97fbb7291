import { element } from './dom.js';

/** The one dialog that is open, for all requests that were refused meanwhile. */
let asking;

/** What the gateway answers instead of what was asked for. */
export class Refusal extends Error {}

/** Fetch with the token, asking for one as long as there is none that the gateway knows. Throws a Refusal that says why not. */
export async function request(path, signal) {
  for (;;) {
    const token = sessionStorage.getItem('token');
    const answer = canBeSent(token) ? await ask(path, token, signal) : undefined;
    if (answer?.ok) return answer;
    if (answer !== undefined && answer.status !== 401) throw new Refusal(await reasonOf(answer));
    // Another request may have got a new one since.
    if (token === sessionStorage.getItem('token')) await askForToken(token === null ? '' : 'This token is not known.');
  }
}

function ask(path, token, signal) {
  return fetch(path, {
    headers: token === null ? {} : { authorization: `Bearer ${token}` },
    ...(signal === undefined ? {} : { signal }),
  });
}

/** No browser puts more than this into a header: what was pasted with it is no token. */
function canBeSent(token) {
  return token === null || /^[\x20-\x7e]*$/.test(token);
}

export async function get(path, signal) {
  return (await request(path, signal)).json();
}

async function reasonOf(answer) {
  const text = await answer.text();
  try {
    return JSON.parse(text).detail ?? text;
  } catch {
    return `${answer.status} ${answer.statusText}`;
  }
}

function askForToken(why) {
  asking ??= new Promise((resolve) => {
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
  });
  return asking;
}
