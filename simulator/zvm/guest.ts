import { DEFAULT_PROFILE, type OtherDevice } from '../directory/devices.ts';
import { DirectoryEntry, type EntryParts, userRecords } from '../directory/entry.ts';
import type { AdapterType, Nicdef, PortType } from '../directory/nicdef.ts';

/** The reason that a NIC may be coupled. */
export type Right = 'grant' | 'port' | 'directory';

export type Nic = {
  vdev: string;
  type: AdapterType;
  devices: number;
  mac: string;
  /** the VSWITCH that it is coupled to */
  vswitch: string | null;
  /** the VLANs it got when it was coupled; later changes of the authorisation do not reach it */
  vlans: number[];
  port: number | null;
  /** the rest of the connection; undefined while it is not coupled */
  connection?: { right: Right; portType: PortType; promiscuous: boolean; cpPort: number } | undefined;
  /** the NICDEF that the guest was logged on with */
  nicdef?: Nicdef | undefined;
};

/** A user on one z/VM system: its directory entry, and what runs of it here. */
export class Guest {
  readonly userid: string;
  readonly entry: DirectoryEntry;
  /** the MN and the zHCP: no guests of OpenStack */
  service = false;
  loggedOn = false;
  nics: Nic[] = [];
  /** devices of the running guest besides NICs */
  devices: OtherDevice[] = [];
  userPrefix: string | null = null;

  constructor(entry: DirectoryEntry) {
    this.userid = entry.userid;
    this.entry = entry;
  }

  get nicdefs(): Nicdef[] {
    return this.entry.nicdefs;
  }
}

type Fields = Partial<EntryParts & Pick<Guest, 'service' | 'loggedOn' | 'userPrefix'>>;

/** A directory entry of a logged-off user without adapters. */
export function makeGuest(userid: string, fields: Fields = {}): Guest {
  const { profile = DEFAULT_PROFILE.name, nicdefs = [], statements = [DISK], ...live } = fields;
  const name = userid.toUpperCase();
  const entry = new DirectoryEntry(name, userRecords(name, { profile, nicdefs, statements }));
  return Object.assign(new Guest(entry), live);
}

const DISK = 'MDISK 0100 3390 1 10016 VOL001 MR';
