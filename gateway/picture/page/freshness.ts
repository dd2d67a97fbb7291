import type { HostEvents } from './api.ts';
import { element } from './dom.ts';

/** The connection's state in a word, and when z/VM was read last, in milliseconds of the epoch. */
export type Freshness = { word: string; readAt: number | undefined };

/** A reading older than this is called stale. */
const STALE_MS = 45_000;
/** Without a connection, sooner. */
const LOST_MS = 5_000;

/** Say whether the picture is as new as it should be, and if not, how old it is. */
export function showFreshness({ word, readAt }: Freshness): void {
  const age = readAt === undefined ? 0 : Date.now() - readAt;
  const live = word === 'live';
  const old = age > STALE_MS || (!live && age > LOST_MS);
  const node = element('live');
  node.className = old ? 'stale' : live ? 'on' : '';
  write(node, sentence({ live, old, word, readAt }));
  // A screen reader says when it turns old, and not the time of each reading.
  write(element('heard'), old && live ? 'stale' : word);
  element('picture').classList.toggle('stale', old);
}

/** Screen readers say a text again when it is written again. */
function write(node: HTMLElement, text: string): void {
  if (node.textContent !== text) node.textContent = text;
}

function sentence({ live, old, word, readAt }: Freshness & { live: boolean; old: boolean }): string {
  if (readAt === undefined) return `${live ? 'reading z/VM' : word} …`;
  const at = timeText(readAt);
  if (old) return `${live ? 'stale' : word}, as of ${at}`;
  return live ? `live · read ${at}` : word;
}

/** When reconciliation could compare the host last, and why it cannot now. */
export function showReconciled({ lastSuccess, failure }: HostEvents['reconciliation'] = {}): void {
  const node = element('reconciled');
  node.className = failure === undefined ? '' : 'bad';
  const last = lastSuccess === undefined ? 'never' : dayAndTimeText(lastSuccess);
  node.textContent =
    failure === undefined
      ? lastSuccess === undefined
        ? ''
        : `reconciled ${last}`
      : `reconciliation fails: ${failure.reason} (${dayAndTimeText(failure.at)}; last success: ${last})`;
}

/** Times are told in UTC, as workers and failures tell theirs: one page, one zone. */
export function timeText(time: number | string): string {
  return `${new Date(time).toISOString().slice(11, 19)} UTC`;
}

export function dayAndTimeText(time: number | string): string {
  return `${new Date(time).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}
