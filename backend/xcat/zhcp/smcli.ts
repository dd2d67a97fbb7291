import { defined } from '../../../domain/defined.ts';
import type { PortNumber } from '../../../domain/port/port-number.ts';
import { DEVICES_PER_NIC, type Vdev } from '../../../domain/port/vdev.ts';
import type { Userid, VswitchName } from '../../../domain/text/identifiers.ts';
import { checkedMacId, type DirectoryNic, nicdefOperand } from './nicdef.ts';
import type { Command } from './script.ts';
import { quote } from './shell-quoting.ts';
import { operands, smcli } from './smcli-command.ts';

export * from './smcli-vswitch.ts';

/**
 * Define NICs in the user directory, effective at the next logon: SMAPI Image_Definition_Update_DM, one operand a NIC. That several are one
 * transaction is not verified (docs/reference/zvm.md 5.4). Throws BackendError 'refused' for a MACID that is none.
 */
export function defineNicsInDirectory(userid: Userid, nics: readonly DirectoryNic[]): Command {
  return defineInDirectory(userid, nics.map(nicdefOperand));
}

/** The same of NICs as SMAPI's `NICDEF=` has them. */
export function defineInDirectory(userid: Userid, nicdefs: readonly string[]): Command {
  return smcli('Image_Definition_Update_DM', userid, ...nicdefs.flatMap((nicdef) => operands({ NICDEF: nicdef })));
}

/** Remove a NIC from the user directory: SMAPI Virtual_Network_Adapter_Delete_DM, removes the `NICDEF vdev` statements. */
export function removeNicFromDirectory(userid: Userid, vdev: Vdev): Command {
  return smcli('Virtual_Network_Adapter_Delete_DM', userid, '-v', vdev);
}

/**
 * Define a NIC on the running guest: SMAPI Virtual_Network_Adapter_Create_Extended, CP `DEFINE NIC vdev TYPE QDIO DEVICES 3 MACID id`.
 * `macId` is six hex digits; without it CP gives the NIC an address. Throws BackendError 'refused' for another one.
 */
export function defineLiveNic(userid: Userid, vdev: Vdev, macId: string | undefined): Command {
  return smcli(
    'Virtual_Network_Adapter_Create_Extended',
    userid,
    ...operands({
      image_device_number: vdev,
      adapter_type: 'QDIO',
      devices: String(DEVICES_PER_NIC),
      ...defined({ mac_id: macId === undefined ? undefined : checkedMacId(macId) }),
    }),
  );
}

/**
 * Couple a NIC of the running guest: SMAPI Virtual_Network_Adapter_Connect_Vswitch, CP `COUPLE vdev SYSTEM name`; to a port of a port-based
 * VSWITCH by its number (Connect_Vswitch_Extended).
 */
export function couple(userid: Userid, vdev: Vdev, vswitch: VswitchName, portNumber?: PortNumber): Command {
  if (portNumber !== undefined) {
    const wanted = { image_device_number: vdev, switch_name: vswitch, port_selection: String(portNumber) };
    return smcli('Virtual_Network_Adapter_Connect_Vswitch_Extended', userid, ...operands(wanted));
  }
  return smcli('Virtual_Network_Adapter_Connect_Vswitch', userid, '-v', vdev, '-n', vswitch);
}

/** Uncouple a NIC of the running guest: SMAPI Virtual_Network_Adapter_Disconnect, CP `UNCOUPLE vdev`. */
export function uncouple(userid: Userid, vdev: Vdev): Command {
  return smcli('Virtual_Network_Adapter_Disconnect', userid, '-v', vdev);
}

/** Remove a NIC from the running guest: SMAPI Virtual_Network_Adapter_Delete, CP `DETACH NIC vdev`. */
export function removeLiveNic(userid: Userid, vdev: Vdev): Command {
  return smcli('Virtual_Network_Adapter_Delete', userid, '-v', vdev);
}

/** NICs of the running guest: SMAPI Virtual_Network_Adapter_Query, CP `QUERY VIRTUAL NIC`. 212/8 without any, 200/12 or 8/45 when logged off. */
export function queryLiveNics(userid: Userid): Command {
  return smcli('Virtual_Network_Adapter_Query', userid, '-v', '*');
}

/** The VLANs of each coupled NIC of the running guest: SMAPI Virtual_Network_VLAN_Query_Stats, DIAGNOSE X'26C'. 200/12 or 8/45 when logged off. */
export function queryNicVlans(zhcp: Userid, userid: Userid): Command {
  return smcli('Virtual_Network_VLAN_Query_Stats', zhcp, ...operands({ userid, device: 'NIC' }));
}

/** The guest's directory entry, password included: SMAPI Image_Query_DM, DirMaint `GET userid NOLOCK`. Give the output to parseDirectory only. */
export function queryDirectory(userid: Userid): Command {
  return smcli('Image_Query_DM', userid);
}

/** A profile that directory entries include: SMAPI Profile_Query_DM. */
export function queryProfile(name: Userid): Command {
  return smcli('Profile_Query_DM', name);
}

/** Consoles, spooled devices and disks of the running guest: SMAPI Image_Active_Configuration_Query. 200/12 or 8/45 when logged off. */
export function queryActiveDevices(userid: Userid): Command {
  return smcli('Image_Active_Configuration_Query', userid);
}

/**
 * Bring deferred changes of the directory online: SMAPI Static_Image_Changes_Immediate_DM, DirMaint `DIRECT` (docs/reference/zvm.md 2.2).
 */
export function bringDirectoryOnline(userid: Userid): Command {
  return smcli('Static_Image_Changes_Immediate_DM', userid);
}

/** z/VM's levels and IPL time: SMAPI System_Info_Query, CP `QUERY CPLEVEL`. */
export function systemInfo(): Command {
  return { argv: ['/opt/zhcp/bin/smcli', 'System_Info_Query'] };
}

/** z/VM's release and service level: CP `QUERY CPLEVEL`. */
export function queryCpLevel(): Command {
  return { argv: ['vmcp', 'q', 'cplevel'] };
}

/** SMAPI's level: SMAPI Query_API_Functional_Level. */
export function queryFunctionalLevel(zhcp: Userid): Command {
  return smcli('Query_API_Functional_Level', zhcp);
}

/** The same with an option that tells the kinds of smcli apart: xCAT's refuses it, and asks nothing. */
export function querySmcliKind(zhcp: Userid): Command {
  return smcli('Query_API_Functional_Level', zhcp, '--addRCheader');
}

/** The MAC prefixes and directory network authorization: CP `QUERY VMLAN`, which SMAPI has no function for. */
export function queryVmlan(): Command {
  return { argv: ['vmcp', 'q', 'vmlan'] };
}

/** The SSI cluster with its members: CP `QUERY SSI`. */
export function querySsi(): Command {
  return { argv: ['vmcp', 'q', 'ssi'] };
}

/** The name of the z/VM system that the zHCP runs on: CP `QUERY USERID`. */
export function querySystem(): Command {
  return { argv: ['vmcp', 'q', 'userid'] };
}

/** Where a guest is logged on: CP `QUERY USERS`. Ends with 45 where it is logged on nowhere. */
export function queryUser(userid: Userid): Command {
  return { argv: ['vmcp', 'q', 'user', userid] };
}

/**
 * The same, before questions to SMAPI about a running guest. It fails, which ends the chain, where CP says that the guest is logged on nowhere
 * (HCPCQU045E); any other answer is left to the questions behind it. CP takes none of SMAPI's places.
 */
export function endUnlessLoggedOn(userid: Userid): Command {
  return endWhereUserIs(userid, '*HCP???045E*) exit 45;;');
}

/** The same the other way round: it fails, which ends the chain, where CP says that the guest is logged on to this very system. */
export function endIfLoggedOn(userid: Userid): Command {
  return endWhereUserIs(userid, `*HCP*|*SSI*) ;; ${quote(userid)}' '*-*) exit ${LOGGED_ON};;`);
}

/** The exit status of `endIfLoggedOn` about a guest that is logged on; CP's own are other ones. */
export const LOGGED_ON = 99;

function endWhereUserIs(userid: Userid, cases: string): Command {
  const { argv } = queryUser(userid);
  const shell = `said=$($bound ${argv.map(quote).join(' ')} 2>&1)
printf '%s\\n' "$said"
case $said in ${cases} esac`;
  return { argv, shell };
}
