import type { Userid, VswitchName } from '../network/identifiers.ts';
import { DEVICES_PER_NIC, type Vdev } from '../network/vdev.ts';
import { XcatError } from './errors.ts';
import type { Command } from './script.ts';

const MOST_VLANS = 4;

/** VSWITCHes with authorisations and connected NICs: SMAPI Virtual_Network_Vswitch_Query_Extended, CP `QUERY VSWITCH name DETAILS`. */
export function queryVswitches(zhcpUserid: Userid, name: VswitchName | '*'): Command {
  return smcli('Virtual_Network_Vswitch_Query_Extended', zhcpUserid, ...operands({ switch_name: name }));
}

/**
 * Authorise a userid on a VSWITCH, flat without VLANs: SMAPI Virtual_Network_Vswitch_Set_Extended, CP `SET VSWITCH name GRANT userid
 * [VLAN …]`. Doing it again takes the userid's NICs there off the network for a moment (contract xcat.md 4.6). Not written into SYSTEM
 * CONFIG: reconciliation makes the grants again after an IPL. Throws XcatError 'refused' for more than 4 VLANs (contract 4.3).
 */
export function grant(zhcpUserid: Userid, vswitch: VswitchName, userid: Userid, vlans: readonly number[]): Command {
  if (vlans.length > MOST_VLANS || vlans.some((vlan) => !Number.isInteger(vlan) || vlan < 1 || vlan > 4094)) {
    const message = `grant ${userid} on ${vswitch}: at most ${MOST_VLANS} VLANs of 1 to 4094`;
    throw new XcatError({ code: 'refused', operation: 'grant', message });
  }
  return smcli(
    'Virtual_Network_Vswitch_Set_Extended',
    zhcpUserid,
    ...operands({
      switch_name: vswitch,
      grant_userid: userid,
      ...(vlans.length === 0 ? {} : { user_vlan_id: vlans.join(' ') }),
      // An access port has exactly one VLAN (contract xcat.md 4.4).
      ...(vlans.length > 1 ? { port_type: 'TRUNK' } : {}),
    }),
  );
}

/** Take the authorisation away: SMAPI Virtual_Network_Vswitch_Set_Extended, CP `SET VSWITCH name REVOKE userid`. */
export function revoke(zhcpUserid: Userid, vswitch: VswitchName, userid: Userid): Command {
  const wanted = operands({ switch_name: vswitch, revoke_userid: userid });
  return smcli('Virtual_Network_Vswitch_Set_Extended', zhcpUserid, ...wanted);
}

/**
 * Define a NIC in the user directory, coupled at logon when a VSWITCH is given: SMAPI Image_Definition_Update_DM, directory statement
 * `NICDEF vdev TYPE QDIO LAN SYSTEM name MACID id`. Effective at the next logon. `macId` is six hex digits. Throws XcatError 'refused'
 * for another one.
 */
export function defineNicInDirectory(userid: Userid, vdev: Vdev, macId: string, vswitch?: VswitchName): Command {
  const coupling = vswitch === undefined ? '' : ` LAN=SYSTEM SWITCHNAME=${vswitch}`;
  const nicdef = `VDEV=${vdev} TYPE=QDIO MACID=${checkedMacId(macId)}${coupling}`;
  return smcli('Image_Definition_Update_DM', userid, ...operands({ NICDEF: nicdef }));
}

/** Remove a NIC from the user directory: SMAPI Virtual_Network_Adapter_Delete_DM, removes the `NICDEF vdev` statements. */
export function removeNicFromDirectory(userid: Userid, vdev: Vdev): Command {
  return smcli('Virtual_Network_Adapter_Delete_DM', userid, '-v', vdev);
}

/**
 * Define a NIC on the running guest: SMAPI Virtual_Network_Adapter_Create_Extended, CP `DEFINE NIC vdev TYPE QDIO DEVICES 3 MACID id`.
 * `macId` is six hex digits. Throws XcatError 'refused' for another one.
 */
export function defineLiveNic(userid: Userid, vdev: Vdev, macId: string): Command {
  return smcli(
    'Virtual_Network_Adapter_Create_Extended',
    userid,
    ...operands({
      image_device_number: vdev,
      adapter_type: 'QDIO',
      devices: String(DEVICES_PER_NIC),
      mac_id: checkedMacId(macId),
    }),
  );
}

/** Couple a NIC of the running guest: SMAPI Virtual_Network_Adapter_Connect_Vswitch, CP `COUPLE vdev SYSTEM name`. */
export function couple(userid: Userid, vdev: Vdev, vswitch: VswitchName): Command {
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

/** The guest's directory entry, password included: SMAPI Image_Query_DM, DirMaint `GET userid NOLOCK`. Give the output to parseDirectory only. */
export function queryDirectory(userid: Userid): Command {
  return smcli('Image_Query_DM', userid);
}

/** z/VM's levels and IPL time: SMAPI System_Info_Query, CP `QUERY CPLEVEL`. */
export function systemInfo(): Command {
  return { argv: ['/opt/zhcp/bin/smcli', 'System_Info_Query'] };
}

/** The MAC prefixes: CP `QUERY VMLAN`, which SMAPI has no function for. */
export function queryVmlan(): Command {
  return { argv: ['vmcp', 'q', 'vmlan'] };
}

function smcli(functionName: string, target: Userid, ...rest: readonly string[]): Command {
  return { argv: ['/opt/zhcp/bin/smcli', functionName, '-T', target, ...rest] };
}

function operands(values: Readonly<Record<string, string>>): string[] {
  return Object.entries(values).flatMap(([key, value]) => ['-k', `${key}=${value}`]);
}

function checkedMacId(macId: string): string {
  if (/^[0-9A-Fa-f]{6}$/.test(macId)) return macId.toUpperCase();
  throw new XcatError({ code: 'refused', operation: 'define a NIC', message: 'a MACID has six hex digits' });
}
