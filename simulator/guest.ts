import type { AdapterType, Nicdef } from './directory.ts';

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
  /** the entry that counts at logon, where that is not the one that was changed last */
  online: Nicdef[] | null;
  nics: Nic[];
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
    online: null,
    nics: [],
    userPrefix: null,
    ...fields,
  };
}
