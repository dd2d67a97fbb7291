import { openChange } from './actions/change-dialog.ts';
import { type Address, readAddress, writeAddress } from './address.ts';
import type { HostView, KnownHost } from './api.ts';
import { changed, differences } from './changes.ts';
import { ChosenReader, messageOf } from './chosen.ts';
import { showDetails } from './details/details.ts';
import { showOperations } from './details/operations.ts';
import { dataAround, element, isStyled, make } from './dom.ts';
import { giveColours } from './drawing/colours.ts';
import { formFor, layOut } from './drawing/layout.ts';
import { closeKey, closeKeyElsewhere, showLegend } from './drawing/legend.ts';
import { type Flash, looksOf } from './drawing/looks.ts';
import { focusGuest, neighbour, reveal, showLayout, startStage } from './drawing/stage.ts';
import { followHost } from './feed.ts';
import { type Freshness, showFreshness, showReconciled } from './freshness.ts';
import { type DrawnGuest, type DrawnHost, hostOf } from './host.ts';
import { followHosts } from './overview.ts';
import { guestMatches, parseQuery, type Term } from './search.ts';
import { getHosts, Refusal } from './session.ts';

const FLASH_MS = 3_000;
const AGAIN_MS = 5_000;
const MOST_FINDINGS = 5;

/** The view that is looked at; all of it is in the address. */
let looked = readAddress();
const state: { host: DrawnHost | undefined; hosts: readonly KnownHost[]; query: Term[]; guests: DrawnGuest[] } = {
  host: undefined,
  hosts: [],
  query: [],
  guests: [],
};
const reader = new ChosenReader(
  () => looked,
  () => showChosen(),
);
const freshness: Freshness = { word: 'connecting', readAt: undefined };
const flash: Flash = { keys: new Set(), number: 0 };
let current: string | undefined;
let stopFollowing = () => {};

/** Look at something else. */
function look(change: Partial<Address>, step = false): void {
  const before = looked;
  looked = { ...looked, ...change };
  writeAddress(looked, step);
  if (looked.guest !== before.guest) readGuest();
  else if (looked.nic !== before.nic) readOperations();
  if (looked.operation !== before.operation) void reader.readOperation();
  if (looked.guest !== '') current = looked.guest;
  show();
}

/** One thing is chosen at a time; a second click lets go of it. */
const NOTHING = { guest: '', nic: '', vswitch: '', vlan: '', operation: '' };
const choose = (what: Partial<Address>) => look({ ...NOTHING, ...what }, true);
const clear = () => choose({});
const find = (text: string) => {
  element('find').value = text;
  look({ find: text });
};

function show(): void {
  const { host } = state;
  if (host === undefined) return;
  state.query = parseQuery(looked.find);
  state.guests = host.guests.filter((guest) => guestMatches(guest, state.query));
  const form = formFor(looked.as, state.guests);
  const grouping = element('by').parentElement;
  if (grouping !== null) grouping.hidden = form === 'drawing';
  element('drifted').checked = looked.find.split(/\s+/).includes('is:drifted');
  giveColours(host.vlans.keys());
  if (!state.guests.some(({ userid }) => userid === current)) current = state.guests[0]?.userid;
  const width = element('stage').clientWidth;
  const { vswitches } = host;
  const layout = layOut({ vswitches, guests: state.guests, query: state.query, form, by: looked.by, width });
  showLayout(layout, looksOf(looked, flash, current));
  showLegend(host, looked, (vlan) => choose({ vlan: looked.vlan === vlan ? '' : vlan }));
  showChosen();
  element('counts').replaceChildren(
    `${state.guests.length} of ${host.guests.length} guests · ${host.ports} ports · `,
    make('span', { class: host.drifted > 0 ? 'bad' : '' }, host.drifted === 0 ? 'no drift' : `${host.drifted} drifted`),
    host.changing === 0 ? '' : make('span', { class: 'changing' }, ` · ${host.changing} changing`),
  );
  element('nothing').hidden = state.guests.length > 0;
}

function showChosen(): void {
  const { host } = state;
  if (host === undefined) return;
  const known = state.hosts.find((each) => each.host === looked.host);
  const change: Parameters<typeof openChange>[1] = ({ id, runId }) => look({ operation: `${id}/${runId}` }, true);
  const actions = {
    choose,
    clear,
    find,
    change: (wanted: Parameters<typeof openChange>[0]) => openChange(wanted, change),
  };
  showDetails({ ...reader.chosen, host, known, chosen: looked }, actions);
}

/** A host's drawing must not stand under the name of another, which may take long to be read. */
function showNothing(): void {
  for (const id of ['legend', 'counts', 'detail', 'operations'] as const) element(id).replaceChildren();
  element('stage').classList.add('unread');
  element('waiting').hidden = false;
  for (const id of ['nothing', 'findings'] as const) element(id).hidden = true;
  showReconciled();
  showProblem(null);
}

/** Of all hosts a table stands in the drawing's place. */
function showOverview(isShown: boolean): void {
  element('hosts').hidden = !isShown;
  for (const id of ['picture', 'controls', 'bar', 'detail'] as const) element(id).hidden = isShown;
  element('newest').textContent = isShown ? 'Running and failed operations' : 'Newest operations';
}

/** The hosts as Temporal knows them, with what the reader may do there. */
async function readHosts(): Promise<void> {
  state.hosts = await getHosts().then(
    ({ hosts }) => hosts,
    () => state.hosts,
  );
  showChosen();
}

/** Look at a host; at all of them without a name. */
function openHost(host: string): void {
  stopFollowing();
  state.host = undefined;
  reader.forget();
  Object.assign(freshness, { word: 'connecting', readAt: undefined });
  showNothing();
  element('host').value = host;
  showOverview(host === '');
  document.title = host === '' ? 'All hosts · networking-zvm' : `${host} · networking-zvm`;
  if (host === '') {
    stopFollowing = followHosts((problem) => showProblem(problem === undefined ? null : messageOf(problem)));
    return;
  }
  showFreshness(freshness);
  void readHosts();
  stopFollowing = followHost(host, {
    connected: () => {
      freshness.word = 'live';
      showProblem(null);
      showFreshness(freshness);
    },
    lost: (word, error) => {
      freshness.word = word;
      if (error instanceof Refusal) showProblem(error.message);
      showFreshness(freshness);
    },
    state: take,
    changes: (changes) => {
      if (state.host !== undefined) take(changed(state.host.view, changes));
    },
    operations: (operations) => {
      showOperations(operations);
      const own = operations.filter(({ userid }) => userid === looked.guest);
      if (looked.guest !== '' && own.some((operation) => reader.isNews(operation))) readOperations();
    },
    reconciliation: (health) => showReconciled(health),
    hold: (hold) => {
      element('stage').classList.toggle('held', hold !== null);
      void readHosts();
    },
    problem: (text) => showProblem(text),
    alive: ({ age }) => {
      freshness.readAt = age === null ? freshness.readAt : Date.now() - age;
      showFreshness(freshness);
    },
  });
}

function take(view: HostView): void {
  const before = state.host;
  state.host = hostOf(view);
  freshness.readAt ??= Date.now();
  showFindings(view.findings);
  element('stage').classList.remove('unread');
  element('waiting').hidden = true;
  if (before === undefined) {
    show();
    reveal(looked.guest, true);
    readGuest();
    void reader.readOperation();
    return;
  }
  flashFor(differences(before, state.host));
  if (looked.guest !== '' && guestNamed(before, looked.guest) !== guestNamed(state.host, looked.guest)) readGuest();
  show();
}

function guestNamed(host: DrawnHost | undefined, name: string): DrawnGuest | undefined {
  return host?.guests.find(({ userid }) => userid === name);
}

/** Let what has changed be seen for a moment. */
function flashFor(keys: readonly string[]): void {
  if (keys.length === 0) return;
  flash.keys = new Set(keys);
  flash.number += 1;
  const { number } = flash;
  setTimeout(() => {
    if (flash.number === number) flash.keys = new Set();
  }, FLASH_MS);
}

function readGuest(): void {
  void reader.readGuest();
  readOperations();
}

function readOperations(): void {
  const nics = guestNamed(state.host, looked.guest)?.nics ?? [];
  void reader.readOperations(nics.find(({ key }) => key === looked.nic)?.port?.portId);
}

function showProblem(text: string | null): void {
  element('problem').hidden = text === null;
  element('problem').textContent = text ?? '';
}

/** Unreadable values of the host; the drawing shows all others. */
function showFindings(findings: HostView['findings']): void {
  const lines = findings.slice(0, MOST_FINDINGS).map(({ of, reason }) => `${of}: ${reason}`);
  const more = findings.length > MOST_FINDINGS ? ` And ${findings.length - MOST_FINDINGS} more: zvmnet drift.` : '';
  element('findings').hidden = findings.length === 0;
  element('findings').textContent = `Unreadable, unchanged: ${lines.join('; ')}.${more}`;
}

function listen(): void {
  closeKeyElsewhere();
  const typed = element('find');
  typed.addEventListener('input', () => look({ find: typed.value }));
  element('drifted').addEventListener('change', () => {
    const words = looked.find.split(/\s+/).filter((word) => word !== '' && word !== 'is:drifted');
    find([...words, ...(element('drifted').checked ? ['is:drifted'] : [])].join(' '));
  });
  for (const id of ['as', 'by'] as const)
    element(id).addEventListener('change', () => look({ [id]: element(id).value }));
  const hosts = element('host');
  hosts.addEventListener('change', () => {
    look({ host: hosts.value, ...NOTHING }, true);
    openHost(hosts.value);
  });
  element('hosts').addEventListener('click', (event) => {
    const host = dataAround(event.target, '[data-host]')?.host;
    if (host === undefined || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    look({ host, ...NOTHING }, true);
    openHost(host);
    hosts.focus();
  });
  document.querySelector('aside')?.addEventListener('click', ({ target }) => {
    const { open, at } = dataAround(target, '[data-open]') ?? {};
    if (open !== undefined && at !== undefined) openOperation(open, at);
  });
  element('head').addEventListener('click', ({ target }) => clickVswitch(target));
  element('wires').addEventListener('click', ({ target }) => clickGuest(target));
  for (const id of ['head', 'wires'] as const) element(id).addEventListener('keydown', pressed);
  element('wires').addEventListener('focusin', ({ target }) => {
    current = useridOf(target) ?? current;
  });
  document.addEventListener('keydown', (event) => {
    if (event.key === '/' && !isTyped(event.target)) {
      event.preventDefault();
      typed.focus();
      typed.select();
    }
    if (event.key === 'Escape' && document.querySelector('dialog[open]') === null) {
      if (closeKey()) return;
      if (event.target === typed && typed.value !== '') find('');
      else clear();
    }
  });
  new ResizeObserver(() => show()).observe(element('stage'));
  window.addEventListener('popstate', () => {
    const { host } = looked;
    looked = readAddress();
    if (looked.host === '' && state.hosts.length === 1) looked.host = host;
    showControls();
    if (looked.host !== host) openHost(looked.host);
    else if (looked.guest !== '') readGuest();
    void reader.readOperation();
    show();
  });
  setInterval(() => showFreshness(freshness), 1_000);
}

/** An operation among those of all hosts is shown beside its host. */
function openOperation(operation: string, host: string): void {
  if (looked.host !== '') look({ operation }, true);
  else {
    look({ ...NOTHING, host, operation }, true);
    openHost(host);
  }
}

function isTyped(target: EventTarget | null): boolean {
  return target instanceof Element && /^(INPUT|SELECT|TEXTAREA)$/.test(target.tagName);
}

/** The userid of a guest's own element. */
function useridOf(target: EventTarget | null): string | undefined {
  return isStyled(target) ? target.dataset.userid : undefined;
}

function clickVswitch(target: EventTarget | null): void {
  const name = dataAround(target, '[data-vswitch]')?.vswitch;
  if (name !== undefined) choose({ vswitch: looked.vswitch === name ? '' : name });
}

function clickGuest(target: EventTarget | null): void {
  const { owner, nic } = dataAround(target, '[data-nic]') ?? {};
  const userid = dataAround(target, '[data-userid]')?.userid;
  if (owner !== undefined && nic !== undefined) choose({ guest: owner, nic });
  else if (userid !== undefined) choose({ guest: looked.guest === userid && looked.nic === '' ? '' : userid });
  else if (looked.guest !== '' || looked.vlan !== '' || looked.vswitch !== '') clear();
}

function pressed(event: KeyboardEvent): void {
  const { target, key } = event;
  if (key === 'Enter' || key === ' ') {
    event.preventDefault();
    if (target instanceof Element && target.closest('#head') !== null) clickVswitch(target);
    else clickGuest(target);
    return;
  }
  const userid = useridOf(target);
  if (userid === undefined || !/^(Arrow\w+|Home|End)$/.test(key)) return;
  event.preventDefault();
  const next = neighbour(userid, key);
  if (next === undefined || !reveal(next)) return;
  current = next;
  show();
  focusGuest(next);
}

function showControls(): void {
  element('find').value = looked.find;
  element('as').value = looked.as;
  element('by').value = looked.by;
}

/** The hosts that may be looked at, as soon as they can be read. */
async function hostsThere(): Promise<readonly KnownHost[]> {
  for (;;) {
    try {
      const { hosts } = await getHosts();
      showProblem(null);
      return hosts;
    } catch (error) {
      showProblem(messageOf(error));
      await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
    }
  }
}

/** Guests of other hosts may have the names that a link is about. */
function askForAnother(host: string): void {
  element('host').value = '';
  element('waiting').hidden = true;
  freshness.word = 'no host';
  showFreshness(freshness);
  showProblem(`There is no host ${host} here that you may read. Choose another.`);
}

async function start(): Promise<void> {
  startStage();
  showControls();
  const hosts = await hostsThere();
  state.hosts = hosts;
  element('host').replaceChildren(
    ...(hosts.length > 1 ? [make('option', { value: '' }, 'All hosts')] : []),
    ...hosts.map(({ host }) => make('option', { value: host }, host)),
  );
  if (hosts.length === 0) return showProblem('This gateway serves no host that you may read.');
  listen();
  if (looked.host === '' && hosts.length > 1) return openHost('');
  const first = looked.host === '' ? hosts[0] : hosts.find(({ host }) => host === looked.host);
  if (first === undefined) return askForAnother(looked.host);
  looked.host = first.host;
  current = looked.guest || undefined;
  writeAddress(looked, false);
  openHost(first.host);
}

start().catch((error: unknown) => showProblem(messageOf(error)));
