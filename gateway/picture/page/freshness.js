import { element } from './dom.js';
import { timeText } from './times.js';

/** What was read longer ago is said to be old. */
const STALE_MS = 45_000;
/** Without a connection, sooner. */
const LOST_MS = 5_000;

/** Say whether the picture is as new as it should be, and if not, how old it is. */
export function showFreshness({ word, readAt }) {
  const age = readAt === undefined ? 0 : Date.now() - readAt;
  const live = word === 'live';
  const old = age > STALE_MS || (!live && age > LOST_MS);
  const node = element('live');
  node.className = old ? 'stale' : live ? 'on' : '';
  write(node, sentence({ live, old, word, readAt }));
  // Whoever listens is told when it turns old, and not the time of each reading.
  write(element('heard'), old && live ? 'stale' : word);
  element('picture').classList.toggle('stale', old);
}

/** What is said already is not said again. */
function write(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

function sentence({ live, old, word, readAt }) {
  if (readAt === undefined) return `${live ? 'reading z/VM' : word} …`;
  const at = timeText(readAt);
  if (old) return `${live ? 'stale' : word}, as of ${at}`;
  return live ? `live · read ${at}` : word;
}
