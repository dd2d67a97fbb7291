import type { KnownHost, ListedOperation } from './api.ts';
import { showOperations } from './details/operations.ts';
import { type Child, element, keepingFocus, make } from './dom.ts';
import { dayAndTimeText } from './freshness.ts';
import { getHosts, getOperations } from './session.ts';

const LOOK_MS = 5_000;
const MOST_OPERATIONS = '200';
const COLUMNS = ['Host', 'State', 'Guests', 'Drifted', 'Running', 'Workers', 'z/VM', 'Reconciled'] as const;

/** A host's state in a word. */
type State = { word: string; look: 'good' | 'bad' | 'warn' | 'soft'; why?: string };

/** Show all hosts at a glance, and go on until the returned function is called. `tell` hears the problem, or none. */
export function followHosts(tell: (problem: unknown) => void): () => void {
  let stopped = false;
  let timer: number | undefined;
  const look = async () => {
    try {
      const running = new URLSearchParams({ state: 'running', limit: MOST_OPERATIONS });
      const failed = new URLSearchParams({ outcome: 'failed', limit: '10' });
      const [{ hosts }, { operations }, { operations: lost }] = await Promise.all([
        getHosts(),
        getOperations(running),
        getOperations(failed),
      ]);
      if (stopped) return;
      showHosts(hosts, operations);
      showOperations([...operations, ...lost].slice(0, 30));
      tell(undefined);
    } catch (error) {
      if (!stopped) tell(error);
    }
    if (!stopped) timer = window.setTimeout(() => void look(), LOOK_MS);
  };
  void look();
  return () => {
    stopped = true;
    clearTimeout(timer);
  };
}

function showHosts(hosts: readonly KnownHost[], running: readonly ListedOperation[]): void {
  const rows = hosts.map((host) => rowOf(host, running.filter((each) => each.host === host.host).length));
  const table = make(
    'table',
    {},
    make('caption', {}, `${hosts.length} z/VM systems`),
    make('thead', {}, make('tr', {}, ...COLUMNS.map((name) => make('th', { scope: 'col' }, name)))),
    make('tbody', {}, ...rows),
  );
  const section = element('hosts');
  keepingFocus(section, () => section.replaceChildren(table));
}

function rowOf(known: KnownHost, running: number): HTMLElement {
  const { host, workers, reconciliation, capabilities, found } = known;
  const { word, look, why } = stateOf(known);
  const release = capabilities?.release;
  const cells: Child[] = [
    make('span', { class: `pill ${look}` }, word),
    found === null ? '—' : String(found.examined),
    driftText(found),
    String(running),
    String(workers),
    release?.state === 'known' ? (release.value ?? '—') : '—',
    reconciliation?.lastSuccess === undefined ? 'never' : dayAndTimeText(reconciliation.lastSuccess),
  ];
  const open = make(
    'a',
    { href: `?host=${encodeURIComponent(host)}`, 'data-host': host, 'data-focus': `host ${host}` },
    host,
  );
  return make(
    'tr',
    {},
    make('th', { scope: 'row' }, open),
    ...cells.map((cell, index) =>
      make('td', {}, cell, index === 0 && why !== undefined && make('small', { class: look }, why)),
    ),
  );
}

function driftText(found: KnownHost['found']): string {
  if (found === null) return '—';
  const { drifted, repaired, failed } = found;
  const parts = [repaired > 0 && `${repaired} repaired`, failed > 0 && `${failed} failed`].filter(Boolean);
  return parts.length === 0 ? String(drifted) : `${drifted}: ${parts.join(', ')}`;
}

/** The worst thing about a host comes first. */
function stateOf({ workers, reconciliation }: KnownHost): State {
  if (workers === 0) return { word: 'no worker', look: 'bad', why: 'operations wait until one starts' };
  if (reconciliation === null) return { word: 'not reconciled', look: 'warn', why: 'it has no Schedule' };
  if (reconciliation.failure !== undefined) return { word: 'failing', look: 'bad', why: reconciliation.failure.reason };
  if (reconciliation.paused) return { word: 'paused', look: 'warn', why: reconciliation.note };
  return reconciliation.lastSuccess === undefined
    ? { word: 'not read yet', look: 'soft' }
    : { word: 'in order', look: 'good' };
}
