import type { VswitchSettings } from '../../../domain/planning/vswitch-plan.ts';
import type { PortNumber } from '../../../domain/port/port-number.ts';
import type { Userid, VswitchName } from '../../../domain/text/identifiers.ts';
import { vlanSetWords } from '../../../domain/vswitch/vlan-set.ts';
import { BackendError } from '../../backend-error.ts';
import type { Command } from './script.ts';
import { operands, smcli } from './smcli-command.ts';

const SET = 'Virtual_Network_Vswitch_Set_Extended';
const NATIVE_VLAN = '1';

/** VSWITCHes with authorisations and connected NICs: SMAPI Virtual_Network_Vswitch_Query_Extended, CP `QUERY VSWITCH name DETAILS`. */
export function queryVswitches(zhcpUserid: Userid, name: VswitchName | '*'): Command {
  return smcli('Virtual_Network_Vswitch_Query_Extended', zhcpUserid, ...operands({ switch_name: name }));
}

/**
 * Authorise a userid on a VSWITCH, flat without VLANs: SMAPI Virtual_Network_Vswitch_Set_Extended, CP `SET VSWITCH name GRANT userid
 * [VLAN …]`. Doing it again takes the userid's NICs there off the network for a moment (docs/reference/smcli.md 5.2). Not written into
 * SYSTEM CONFIG: reconciliation makes the grants again after an IPL. Throws BackendError 'refused' for more VLANs than z/VM takes
 * (docs/reference/smcli.md 3.2).
 */
export function grant(
  zhcpUserid: Userid,
  vswitch: VswitchName,
  userid: Userid,
  vlans: readonly number[],
  promiscuous = false,
): Command {
  const wanted = { switch_name: vswitch, grant_userid: userid, ...userVlans(vlans, `grant ${userid} on ${vswitch}`) };
  return smcli(SET, zhcpUserid, ...operands({ ...wanted, ...promiscuity(promiscuous) }));
}

/** Take the authorisation away: SMAPI Virtual_Network_Vswitch_Set_Extended, CP `SET VSWITCH name REVOKE userid`. */
export function revoke(zhcpUserid: Userid, vswitch: VswitchName, userid: Userid): Command {
  const wanted = operands({ switch_name: vswitch, revoke_userid: userid });
  return smcli('Virtual_Network_Vswitch_Set_Extended', zhcpUserid, ...wanted);
}

/**
 * Give a port of a port-based VSWITCH to a userid, with its VLANs: SMAPI Virtual_Network_Vswitch_Set_Extended, CP `SET VSWITCH name
 * PORTNUMBER n USERID userid`. Throws BackendError 'refused' for more VLANs than z/VM takes.
 */
export function givePort(
  zhcpUserid: Userid,
  vswitch: VswitchName,
  portNumber: PortNumber,
  userid: Userid,
  vlans: readonly number[],
  promiscuous = false,
): Command {
  const assigned = { switch_name: vswitch, portnum: `${portNumber} ${userid}` };
  return smcli(
    SET,
    zhcpUserid,
    ...operands({
      ...assigned,
      ...userVlans(vlans, `give port ${portNumber} of ${vswitch}`),
      ...promiscuity(promiscuous),
    }),
  );
}

/**
 * Put a port of a port-based VSWITCH on VLANs and take it off others, in one call: the new ones first, so that it is never on none. Its NIC
 * stays coupled (docs/reference/zvm.md 3.2).
 */
export function changePortVlans(
  zhcpUserid: Userid,
  vswitch: VswitchName,
  portNumber: PortNumber,
  add: readonly number[],
  remove: readonly number[],
): Command {
  return smcli(
    SET,
    zhcpUserid,
    ...operands({ switch_name: vswitch }),
    ...add.flatMap((vlan) => operands({ vlan_port_add: `${vlan} ${portNumber}` })),
    ...remove.flatMap((vlan) => operands({ vlan_port_remove: `${vlan} ${portNumber}` })),
  );
}

/** Take a port of a port-based VSWITCH from its owner: SMAPI Virtual_Network_Vswitch_Set_Extended, CP `SET VSWITCH name PORTNUMBER n REMOVE`. */
export function removePort(zhcpUserid: Userid, vswitch: VswitchName, portNumber: PortNumber): Command {
  return smcli(SET, zhcpUserid, ...operands({ switch_name: vswitch, portnum_remove: String(portNumber) }));
}

/**
 * Create a VSWITCH: SMAPI Virtual_Network_Vswitch_Create_Extended, CP `DEFINE VSWITCH`. Not written into SYSTEM CONFIG. Port type, native
 * VLAN and GVRP are for VLAN-aware ones only (docs/reference/smcli.md 3.1).
 */
export function createVswitch(zhcpUserid: Userid, settings: VswitchSettings): Command {
  const { name, transport, vlanAware, flat, portSelection, rdevs } = settings;
  return smcli(
    'Virtual_Network_Vswitch_Create_Extended',
    zhcpUserid,
    ...operands({
      switch_name: name,
      ...(rdevs.length === 0 ? { connection_value: 'NOUPLINK' } : { real_device_address: rdevs.join(' ') }),
      transport_type: transport,
      // The native VLAN as the default: a flat port is untagged on the uplink. AWARE alone leaves it none (docs/reference/smcli.md 3.1).
      vlan_id: vlanAware ? (flat === true ? NATIVE_VLAN : 'AWARE') : 'UNAWARE',
      ...(vlanAware ? { port_type: 'ACCESS', gvrp_value: 'NOGVRP', native_vlanid: NATIVE_VLAN } : {}),
      port_selection: portSelection,
    }),
  );
}

/** Set the uplinks of a VSWITCH, the preferred one first: SMAPI Virtual_Network_Vswitch_Set_Extended, CP `SET VSWITCH name RDEV …`. */
export function setUplinks(zhcpUserid: Userid, vswitch: VswitchName, rdevs: readonly string[]): Command {
  return smcli(SET, zhcpUserid, ...operands({ switch_name: vswitch, real_device_address: rdevs.join(' ') }));
}

/** Delete a VSWITCH: SMAPI Virtual_Network_Vswitch_Delete_Extended, CP `DETACH VSWITCH name`. NICs on it are uncoupled. */
export function deleteVswitch(zhcpUserid: Userid, vswitch: VswitchName): Command {
  return smcli('Virtual_Network_Vswitch_Delete_Extended', zhcpUserid, ...operands({ switch_name: vswitch }));
}

function promiscuity(promiscuous: boolean): Record<string, string> {
  return promiscuous ? { promiscuous: 'YES' } : {};
}

// An access port has exactly one VLAN (docs/reference/zvm.md 3.2).
function userVlans(vlans: readonly number[], operation: string): Record<string, string> {
  if (vlans.length === 0) return {};
  const words = vlans.every((vlan) => Number.isInteger(vlan) && vlan >= 1 && vlan <= 4094)
    ? vlanSetWords(vlans)
    : undefined;
  if (words === undefined) {
    const message = `${operation}: z/VM takes at most 4 VLANs, or 2 ranges of them, of 1 to 4094`;
    throw new BackendError({ code: 'refused', operation: 'grant', message });
  }
  return { user_vlan_id: words.join(' '), ...(vlans.length > 1 ? { port_type: 'TRUNK' } : {}) };
}
