import { DEFAULT_PROFILE, type OtherDevice } from '../directory/devices.ts';
import type { AdapterType, Nicdef } from '../directory/nicdef.ts';

export type Nic = {
  vdev: string;
  type: AdapterType;
  devices: number;
  mac: string;
  /** what it is coupled to */
  vswitch: string | null;
  /** the VLANs it got when it was coupled; later changes of the authorisation do not reach it */
  vlans: number[];
  port: number | null;
};

export type Guest = {
  userid: string;
  /** the MN and the zHCP: no guests of OpenStack */
  service: boolean;
  loggedOn: boolean;
  locked: boolean;
  /** a directory update of this user is under way */
  updating: boolean;
  nicdefs: Nicdef[];
  /** further statements of the entry: disks, consoles, real devices … */
  statements: string[];
  /** what the entry includes */
  profile: string | null;
  /** the entry that counts at logon, where that is not the one that was changed last */
  online: Nicdef[] | null;
  nics: Nic[];
  /** what the running guest has besides NICs */
  devices: OtherDevice[];
  userPrefix: string | null;
};

/** A directory entry of a logged-off user without adapters. */
export function makeGuest(userid: string, fields: Partial<Guest> = {}): Guest {
  return {
    userid: userid.toUpperCase(),
    service: false,
    loggedOn: false,
    locked: false,
    updating: false,
    nicdefs: [],
    statements: ['MDISK 0100 3390 1 10016 VOL001 MR'],
    profile: DEFAULT_PROFILE.name,
    online: null,
    nics: [],
    devices: [],
    userPrefix: null,
    ...fields,
  };
}
