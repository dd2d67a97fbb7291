// Advice to operators by SMAPI's codes; a code that is not here is to be looked up.
const BY_CODE: Readonly<Record<string, string>> = {
  '8/8': 'check the device number of the NIC on the guest (QUERY VIRTUAL NIC)',
  '24': 'report it with the failed step: the request was built wrongly',
  '36': 'authorise the zHCP in VSMWORK1 AUTHLIST',
  '100': 'authorise the zHCP in VSMWORK1 AUTHLIST',
  '200/4': "define the guest on z/VM, or correct its userid in xCAT's zvm table",
  '204/2': 'choose another vdev',
  '204/28': 'choose another vdev: the guest has another device there',
  '212/8':
    'see that the guest is authorised (QUERY VSWITCH … ACCESSLIST), and that no external security manager refuses it (RACF class VMLAN)',
  '212/12':
    'see why the VSWITCH is not active (QUERY VSWITCH … DETAILS): its uplinks, its controllers DTCVSW1 and DTCVSW2',
  '212/16': 'see that the owner of the VSWITCH, mostly SYSTEM, and its controllers are there',
  '212/20': 'see that the owner of the VSWITCH, mostly SYSTEM, and its controllers are there',
  '212/40': 'define the VSWITCH: ensureVswitch, when the configuration names it',
  '212/48': 'ask for a VLAN that the VSWITCH knows',
  '212/52': 'use another VSWITCH, or take NICs off this one that nobody needs',
  '396/2846': 'ask for a flat network, or use a VLAN-aware VSWITCH',
  '396': 'look up the HCP message of that number (HELP HCPnnnnE)',
  '400/4': 'define the guest in the user directory',
  '400/12': 'wait for the other change to the directory; if there is none, unlock the entry (DIRM FOR userid UNLOCK)',
  '404/12':
    'wait for the other change to the directory; if there is none, unlock the device (DIRM FOR userid UNLOCK vdev)',
  '412': "compare the guest's directory entry with the port's record; somebody else changed it",
  '500': 'see that DirMaint runs and is enabled (QUERY DIRMAINT, XAUTOLOG DIRMAINT)',
  '596': 'look up the DVH message of that number; see the console of DIRMAINT',
  '620': 'see the VSWITCH statements in SYSTEM CONFIG',
  '900': 'see that the servers of SMAPI run (VSMREQIN, VSMWORK1 to VSMWORK3), and restart them',
};
const SOCKET = 'see that the servers of SMAPI run (VSMREQIN, VSMWORK1 to VSMWORK3), and restart them';
const LOOK_UP = 'look the return and reason code up in the z/VM Systems Management API guide';

/** Advice on a return and reason code. */
export function smapiAdvice(rc: number, rs: number): string {
  return BY_CODE[`${rc}/${rs}`] ?? BY_CODE[String(rc)] ?? (rc < 0 ? SOCKET : LOOK_UP);
}
