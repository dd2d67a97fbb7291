const KEYS = ['host', 'find', 'as', 'by', 'guest', 'nic', 'vswitch', 'vlan', 'operation'] as const;

/** The view that a link to the picture opens, the same for every reader. Empty where nothing is chosen. */
export type Address = Record<(typeof KEYS)[number], string>;

export function readAddress(): Address {
  const given = new URLSearchParams(location.search);
  const address: Address = {
    host: '',
    find: '',
    as: '',
    by: '',
    guest: '',
    nic: '',
    vswitch: '',
    vlan: '',
    operation: '',
  };
  for (const key of KEYS) address[key] = given.get(key) ?? '';
  return address;
}

/** `step`: the browser's Back leads to what was shown before. */
export function writeAddress(looked: Address, step: boolean): void {
  const query = new URLSearchParams();
  for (const key of KEYS) if (looked[key] !== '') query.set(key, looked[key]);
  const url = `?${query}`;
  if (url === location.search) return;
  if (step) history.pushState(null, '', url);
  else history.replaceState(null, '', url);
}
