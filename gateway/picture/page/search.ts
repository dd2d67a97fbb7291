import { type DrawnGuest, type Nic, stateText } from './host.ts';

/** A word that is searched for; of one field of a NIC, or of anything. */
export type Term = { field?: Field; value: string };
type Field = 'vlan' | 'vswitch' | 'vdev' | 'mac' | 'port' | 'is';

/** Words that ask for one thing of a NIC: `vlan:100`, `vswitch:VSW1`, … */
const FIELDS: Readonly<Record<Field, (nic: Nic, wanted: string) => boolean>> = {
  vlan: (nic, wanted) => nic.vlans.some((vlan) => String(vlan) === wanted),
  vswitch: (nic, wanted) => nic.vswitch?.toLowerCase() === wanted || nic.coupledTo?.toLowerCase() === wanted,
  vdev: (nic, wanted) => sameVdev(nic.vdev, wanted),
  mac: (nic, wanted) => plainMac(nic.mac).includes(plainMac(wanted)),
  port: (nic, wanted) => nic.port?.portId.startsWith(wanted) === true,
  is: (nic, wanted) => {
    if (wanted === 'drifted') return nic.drift.length > 0;
    if (wanted === 'changing') return nic.inProgress === true;
    return wanted === 'flat' || wanted === 'trunk' ? nic.kind === wanted : nic.state === wanted;
  },
};

function isField(word: string): word is Field {
  return Object.hasOwn(FIELDS, word);
}

/** The typed text as terms. A word without a field may be anything. */
export function parseQuery(text: string): Term[] {
  const words = text
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== '');
  return words.map((word) => {
    const colon = word.indexOf(':');
    const field = word.slice(0, colon);
    const value = word.slice(colon + 1);
    return isField(field) && value !== '' ? { field, value } : { value: word };
  });
}

/** The guest has all that is asked for; of one NIC, what is asked of NICs. */
export function guestMatches(guest: DrawnGuest, query: readonly Term[]): boolean {
  const plain = query.filter(({ field }) => field === undefined);
  const fields = query.filter(({ field }) => field !== undefined);
  if (!plain.every(({ value }) => textMatches(guest, value))) return false;
  if (fields.length === 0) return true;
  if (guest.nics.some((nic) => nicMatches(nic, fields))) return true;
  // Drift that belongs to no single NIC.
  return fields.every(({ field, value }) => field === 'is' && value === 'drifted') && guest.drift.length > 0;
}

/** Questions that name a field pick NICs; without any, all are meant. */
export function nicMatches(nic: Nic, query: readonly Term[]): boolean {
  return query.every(({ field, value }) => field === undefined || FIELDS[field](nic, value));
}

function textMatches(guest: DrawnGuest, word: string): boolean {
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

function sameVdev(vdev: string | undefined, wanted: string): boolean {
  return vdev !== undefined && vdev.toLowerCase().padStart(4, '0') === wanted.padStart(4, '0');
}

function plainMac(mac: string | undefined): string {
  return (mac ?? '').toLowerCase().replaceAll(/[^0-9a-f]/g, '');
}
