// Advice to operators by SMAPI's codes; a code that is not here is to be looked up.
const BY_CODE: Readonly<Record<string, string>> = {
  '8/8': 'check the device number of the NIC on the guest (QUERY VIRTUAL NIC)',
  '24': 'report this defect with the failed step',
  '36': 'authorise the zHCP in VSMWORK1 AUTHLIST',
  '100': 'authorise the zHCP in VSMWORK1 AUTHLIST',
  '200/4': "define the guest on z/VM, or correct its userid in xCAT's zvm table",
  '204/2': 'choose another vdev',
  '204/28': 'choose another vdev: another device of the guest has this number',
  '212/8':
    'check that the guest is authorised (QUERY VSWITCH … ACCESSLIST), and that no external security manager refuses it (RACF class VMLAN)',
  '212/12':
    'find out why the VSWITCH is not active (QUERY VSWITCH … DETAILS): its uplinks, its controllers DTCVSW1 and DTCVSW2',
  '212/16': 'check that the owner of the VSWITCH, mostly SYSTEM, and its controllers are logged on',
  '212/20': 'check that the owner of the VSWITCH, mostly SYSTEM, and its controllers are logged on',
  '212/40': 'create the VSWITCH: by ensureVswitch when it is configured',
  '212/48': 'use a VLAN of the VSWITCH',
  '212/52': 'use another VSWITCH, or uncouple unused NICs from this one',
  '396/2846': 'use a flat network, or a VLAN-aware VSWITCH',
  '396': 'look up the HCP message of that number (HELP HCPnnnnE)',
  '400/4': 'define the guest in the user directory',
  '400/12': 'wait for the other change to the directory; if there is none, unlock the entry (DIRM FOR userid UNLOCK)',
  '404/12':
    'wait for the other change to the directory; if there is none, unlock the device (DIRM FOR userid UNLOCK vdev)',
  '412': "compare the guest's directory entry, which was changed, with the port's record",
  '500': 'check that DirMaint runs and is enabled (QUERY DIRMAINT, XAUTOLOG DIRMAINT)',
  '596': 'look up the DVH message of that number and the console of DIRMAINT',
  '620': 'check the VSWITCH statements in SYSTEM CONFIG',
  '900': 'check that the servers of SMAPI run (VSMREQIN, VSMWORK1 to VSMWORK3), and restart them',
};
const SOCKET = 'check that the servers of SMAPI run (VSMREQIN, VSMWORK1 to VSMWORK3), and restart them';
const LOOK_UP = 'look up the return and reason code in the z/VM Systems Management API guide';

/** Advice on a return and reason code. */
export function smapiAdvice(rc: number, rs: number): string {
  return BY_CODE[`${rc}/${rs}`] ?? BY_CODE[String(rc)] ?? (rc < 0 ? SOCKET : LOOK_UP);
}
