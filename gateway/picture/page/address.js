/** What a link to the picture says: whoever opens it sees the same. */
const KEYS = ['host', 'find', 'as', 'by', 'guest', 'nic', 'vswitch', 'vlan'];

export function readAddress() {
  const given = new URLSearchParams(location.search);
  return Object.fromEntries(KEYS.map((key) => [key, given.get(key) ?? '']));
}

/** `step`: the browser's Back leads to what was shown before. */
export function writeAddress(looked, step) {
  const query = new URLSearchParams();
  for (const key of KEYS) if (looked[key] !== '') query.set(key, looked[key]);
  const url = `?${query}`;
  if (url === location.search) return;
  if (step) history.pushState(null, '', url);
  else history.replaceState(null, '', url);
}
