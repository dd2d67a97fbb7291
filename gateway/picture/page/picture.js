import { readAddress, writeAddress } from './address.js';
import { changed } from './changes.js';
import { showDetails } from './details/details.js';
import { showOperations } from './details/operations.js';
import { element, make } from './dom.js';
import { giveColours } from './drawing/colours.js';
import { differences } from './drawing/flash.js';
import { formFor, layOut } from './drawing/layout.js';
import { showLegend } from './drawing/legend.js';
import { looksOf } from './drawing/looks.js';
import { focusGuest, neighbour, reveal, showLayout, startStage } from './drawing/stage.js';
import { followHost } from './feed.js';
import { showFreshness } from './freshness.js';
import { hostOf } from './host.js';
import { closeKey, closeKeyElsewhere } from './key.js';
import { showReconciled } from './reconciled.js';
import { guestMatches, parseQuery } from './search.js';
import { get, Refusal } from './session.js';

const FLASH_MS = 3_000;
const AGAIN_MS = 5_000;
const MOST_FINDINGS = 5;

/** What is looked at; all of it is in the address. */
let looked = readAddress();
const state = {
  host: undefined,
  query: [],
  guests: [],
  chosen: looked,
  fullGuest: undefined,
  fullProblem: undefined,
  operations: undefined,
  operationsProblem: undefined,
};
const live = { word: 'connecting', readAt: undefined };
const flash = { keys: new Set(), number: 0 };
let current;
let stopFollowing = () => {};

/** Look at something else. */
function look(change, step = false) {
  const before = looked;
  looked = { ...looked, ...change };
  state.chosen = looked;
  writeAddress(looked, step);
  if (looked.guest !== before.guest) void readGuest();
  else if (looked.nic !== before.nic) void readOperations();
  if (looked.guest !== '') current = looked.guest;
  show();
}

/** One thing is chosen at a time; a second click lets go of it. */
const choose = (what) => look({ guest: '', nic: '', vswitch: '', vlan: '', ...what }, true);
const clear = () => choose({});
const find = (text) => {
  element('find').value = text;
  look({ find: text });
};

function show() {
  const { host } = state;
  if (host === undefined) return;
  state.query = parseQuery(looked.find);
  state.guests = host.guests.filter((guest) => guestMatches(guest, state.query));
  const form = formFor(looked.as, state.guests);
  element('by').parentElement.hidden = form === 'drawing';
  element('drifted').checked = looked.find.split(/\s+/).includes('is:drifted');
  giveColours(host.vlans.keys());
  if (!state.guests.some(({ userid }) => userid === current)) current = state.guests[0]?.userid;
  const width = element('stage').clientWidth;
  const { vswitches } = host;
  const layout = layOut({ vswitches, guests: state.guests, query: state.query, form, by: looked.by, width });
  showLayout(layout, looksOf(looked, flash, current));
  showLegend(host, looked, (vlan) => choose({ vlan: looked.vlan === vlan ? '' : vlan }));
  showDetails(state, { choose, clear, find });
  element('counts').replaceChildren(
    `${state.guests.length} of ${host.guests.length} guests · ${host.ports} ports · `,
    make('span', { class: host.drifted > 0 ? 'bad' : '' }, host.drifted === 0 ? 'no drift' : `${host.drifted} drifted`),
  );
  element('nothing').hidden = state.guests.length > 0;
}

/** What was shown of one host must not stand under the name of another, which may take long to be read. */
function showNothing() {
  for (const id of ['legend', 'counts', 'detail', 'operations']) element(id).replaceChildren();
  element('stage').classList.add('unread');
  element('waiting').hidden = false;
  element('nothing').hidden = true;
  showReconciled();
  showProblem(null);
}

function openHost(host) {
  stopFollowing();
  Object.assign(state, { host: undefined, fullGuest: undefined, operations: undefined });
  Object.assign(live, { word: 'connecting', readAt: undefined });
  showNothing();
  element('host').value = host;
  document.title = `${host} · networking-zvm`;
  showFreshness(live);
  stopFollowing = followHost(host, {
    connected: () => {
      live.word = 'live';
      showProblem(null);
      showFreshness(live);
    },
    lost: (word, error) => {
      live.word = word;
      if (error instanceof Refusal) showProblem(error.message);
      showFreshness(live);
    },
    state: take,
    changes: (changes) => take(changed(state.host.view, changes)),
    operations: (operations) => {
      showOperations(operations);
      const own = operations.filter(({ userid }) => userid === looked.guest);
      if (looked.guest !== '' && own.some((operation) => isNews(operation))) void readOperations();
    },
    reconciliation: (health) => showReconciled(health),
    problem: (text) => showProblem(text),
    alive: ({ age }) => {
      live.readAt = age === null ? live.readAt : Date.now() - age;
      showFreshness(live);
    },
  });
}

function take(view) {
  const before = state.host;
  state.host = hostOf(view);
  live.readAt ??= Date.now();
  showFindings(view.findings);
  element('stage').classList.remove('unread');
  element('waiting').hidden = true;
  if (before === undefined) {
    show();
    reveal(looked.guest, true);
    void readGuest();
    return;
  }
  flashFor(differences(before, state.host));
  if (looked.guest !== '' && guestNamed(before, looked.guest) !== guestNamed(state.host, looked.guest))
    void readGuest();
  show();
}

function guestNamed(host, name) {
  return host?.guests.find(({ userid }) => userid === name);
}

/** Let what has changed be seen for a moment. */
function flashFor(keys) {
  if (keys.length === 0) return;
  flash.keys = new Set(keys);
  flash.number += 1;
  const { number } = flash;
  setTimeout(() => {
    if (flash.number === number) flash.keys = new Set();
  }, FLASH_MS);
}

/** Operations of the chosen guest that its list does not show as they are. */
function isNews({ runId, state: word, outcome }) {
  const known = state.operations?.list.find((each) => each.runId === runId);
  return known === undefined || known.state !== word || known.outcome !== outcome;
}

/** Record and z/VM of the chosen guest in full, and its operations. */
async function readGuest() {
  const { guest, host } = looked;
  if (guest === '' || host === '') return;
  void readOperations();
  state.fullProblem = undefined;
  try {
    const full = await get(`/v1/hosts/${encodeURIComponent(host)}/guests/${encodeURIComponent(guest)}`);
    if (looked.guest !== guest || looked.host !== host) return;
    state.fullGuest = full;
  } catch (error) {
    state.fullProblem = error.message;
  }
  if (state.host !== undefined) showDetails(state, { choose, clear, find });
}

/** Operations of the chosen port, or of the whole guest. */
async function readOperations() {
  const { guest, nic, host } = looked;
  if (guest === '' || host === '') return;
  const portId = guestNamed(state.host, guest)?.nics.find(({ key }) => key === nic)?.port?.portId;
  state.operationsProblem = undefined;
  try {
    const query = new URLSearchParams({
      host,
      limit: '15',
      ...(portId === undefined ? { userid: guest } : { port: portId }),
    });
    const { operations: list } = await get(`/v1/operations?${query}`);
    if (looked.guest !== guest || looked.nic !== nic) return;
    state.operations = { guest, nic, list };
  } catch (error) {
    state.operationsProblem = error.message;
  }
  if (state.host !== undefined) showDetails(state, { choose, clear, find });
}

function showProblem(text) {
  element('problem').hidden = text === null;
  element('problem').textContent = text ?? '';
}

/** What nobody can read of the host: drawn is what is understood. */
function showFindings(findings) {
  const lines = findings.slice(0, MOST_FINDINGS).map(({ of, reason }) => `${of}: ${reason}`);
  const more = findings.length > MOST_FINDINGS ? ` And ${findings.length - MOST_FINDINGS} more: zvmnet drift.` : '';
  element('findings').hidden = findings.length === 0;
  element('findings').textContent = `Not understood, left as it is: ${lines.join('; ')}.${more}`;
}

function listen() {
  closeKeyElsewhere();
  const typed = element('find');
  typed.addEventListener('input', () => look({ find: typed.value }));
  element('drifted').addEventListener('change', ({ target }) => {
    const words = looked.find.split(/\s+/).filter((word) => word !== '' && word !== 'is:drifted');
    find([...words, ...(target.checked ? ['is:drifted'] : [])].join(' '));
  });
  element('as').addEventListener('change', ({ target }) => look({ as: target.value }));
  element('by').addEventListener('change', ({ target }) => look({ by: target.value }));
  element('host').addEventListener('change', ({ target }) => {
    look({ host: target.value, guest: '', nic: '', vswitch: '', vlan: '' }, true);
    openHost(target.value);
  });
  element('head').addEventListener('click', ({ target }) => clickVswitch(target));
  element('wires').addEventListener('click', ({ target }) => clickGuest(target));
  for (const id of ['head', 'wires']) element(id).addEventListener('keydown', pressed);
  element('wires').addEventListener('focusin', ({ target }) => {
    if (target.dataset.userid !== undefined) current = target.dataset.userid;
  });
  document.addEventListener('keydown', (event) => {
    if (event.key === '/' && !/^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName)) {
      event.preventDefault();
      typed.focus();
      typed.select();
    }
    if (event.key === 'Escape' && !element('login').open) {
      if (closeKey()) return;
      if (event.target === typed && typed.value !== '') find('');
      else clear();
    }
  });
  new ResizeObserver(() => show()).observe(element('stage'));
  window.addEventListener('popstate', () => {
    const { host } = looked;
    looked = readAddress();
    if (looked.host === '') looked.host = host;
    state.chosen = looked;
    showControls();
    if (looked.host !== host) openHost(looked.host);
    else if (looked.guest !== '') void readGuest();
    show();
  });
  setInterval(() => showFreshness(live), 1_000);
}

function clickVswitch(target) {
  const name = target.closest('[data-vswitch]')?.dataset.vswitch;
  if (name !== undefined) choose({ vswitch: looked.vswitch === name ? '' : name });
}

function clickGuest(target) {
  const nic = target.closest('[data-nic]')?.dataset;
  if (nic !== undefined) return choose({ guest: nic.owner, nic: nic.nic });
  const guest = target.closest('[data-userid]')?.dataset.userid;
  if (guest !== undefined) return choose({ guest: looked.guest === guest && looked.nic === '' ? '' : guest });
  if (looked.guest !== '' || looked.vlan !== '' || looked.vswitch !== '') clear();
}

function pressed(event) {
  const { target, key } = event;
  if (key === 'Enter' || key === ' ') {
    event.preventDefault();
    if (target.closest('#head') !== null) clickVswitch(target);
    else clickGuest(target);
    return;
  }
  if (target.dataset.userid === undefined || !/^(Arrow\w+|Home|End)$/.test(key)) return;
  event.preventDefault();
  const next = neighbour(target.dataset.userid, key);
  if (next === undefined || !reveal(next)) return;
  current = next;
  show();
  focusGuest(next);
}

function showControls() {
  element('find').value = looked.find;
  element('as').value = looked.as;
  element('by').value = looked.by;
}

/** The hosts that may be looked at, as soon as they can be had. */
async function hostsThere() {
  for (;;) {
    try {
      const { hosts } = await get('/v1/hosts');
      showProblem(null);
      return hosts;
    } catch (error) {
      showProblem(error.message);
      await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
    }
  }
}

/** Guests of other hosts may have the names that a link is about. */
function askForAnother(host) {
  element('host').value = '';
  element('waiting').hidden = true;
  live.word = 'no host';
  showFreshness(live);
  showProblem(`There is no host ${host} here that you may read. Choose another.`);
}

async function start() {
  startStage();
  showControls();
  const hosts = await hostsThere();
  element('host').replaceChildren(...hosts.map(({ host }) => make('option', { value: host }, host)));
  if (hosts.length === 0) return showProblem('This gateway serves no host that you may read.');
  listen();
  const first = looked.host === '' ? hosts[0] : hosts.find(({ host }) => host === looked.host);
  if (first === undefined) return askForAnother(looked.host);
  looked.host = first.host;
  current = looked.guest || undefined;
  writeAddress(looked, false);
  openHost(first.host);
}

start().catch((error) => showProblem(error.message));
