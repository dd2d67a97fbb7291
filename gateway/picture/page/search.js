import { stateText } from './host.js';

/** Words that ask for one thing of a NIC: `vlan:100`, `vswitch:VSW1`, … */
const FIELDS = {
  vlan: (nic, wanted) => nic.vlans.some((vlan) => String(vlan) === wanted),
  vswitch: (nic, wanted) => nic.vswitch?.toLowerCase() === wanted || nic.coupledTo?.toLowerCase() === wanted,
  vdev: (nic, wanted) => sameVdev(nic.vdev, wanted),
  mac: (nic, wanted) => plainMac(nic.mac).includes(plainMac(wanted)),
  port: (nic, wanted) => nic.port?.portId.startsWith(wanted) === true,
  is: (nic, wanted) =>
    ({ drifted: nic.drift.length > 0, flat: nic.kind === 'flat', trunk: nic.kind === 'trunk' })[wanted] ??
    nic.state === wanted,
};

/** What is typed, as questions to a guest and to its NICs. A word without a field may be anything. */
export function parseQuery(text) {
  const words = text
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== '');
  return words.map((word) => {
    const colon = word.indexOf(':');
    const field = word.slice(0, colon);
    const value = word.slice(colon + 1);
    return Object.hasOwn(FIELDS, field) && value !== '' ? { field, value } : { value: word };
  });
}

/** The guest has all that is asked for; of one NIC, what is asked of NICs. */
export function guestMatches(guest, query) {
  const plain = query.filter(({ field }) => field === undefined);
  const fields = query.filter(({ field }) => field !== undefined);
  if (!plain.every(({ value }) => textMatches(guest, value))) return false;
  if (fields.length === 0) return true;
  if (guest.nics.some((nic) => nicMatches(nic, fields))) return true;
  // Drift that belongs to no single NIC.
  return fields.every(({ field, value }) => field === 'is' && value === 'drifted') && guest.drift.length > 0;
}

/** Questions that name a field pick NICs; without any, all are meant. */
export function nicMatches(nic, query) {
  return query.every(({ field, value }) => field === undefined || FIELDS[field](nic, value));
}

function textMatches(guest, word) {
  if (guest.userid.toLowerCase().includes(word) || guest.node.includes(word)) return true;
  return guest.nics.some(
    (nic) =>
      nic.port?.portId.includes(word) === true ||
      (nic.mac ?? '').includes(word) ||
      nic.vswitch?.toLowerCase().startsWith(word) === true ||
      nic.vdev === word ||
      nic.vlans.some((vlan) => String(vlan) === word) ||
      stateText(nic).startsWith(word),
  );
}

function sameVdev(vdev, wanted) {
  return vdev !== undefined && vdev.toLowerCase().padStart(4, '0') === wanted.padStart(4, '0');
}

function plainMac(mac) {
  return (mac ?? '').toLowerCase().replaceAll(/[^0-9a-f]/g, '');
}
