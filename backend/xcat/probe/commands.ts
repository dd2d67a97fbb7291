import type { Userid, VswitchName } from '../../../domain/text/identifiers.ts';
import type { Command } from '../zhcp/channel.ts';
import { smcli } from '../zhcp/smcli-command.ts';

/** Log a guest on: SMAPI Image_Activate, CP `XAUTOLOG`. 200/8 when it runs. */
export function logOn(userid: Userid): Command {
  return smcli('Image_Activate', userid);
}

/** Log a guest off at once: SMAPI Image_Deactivate, CP `FORCE`. 200/12 when it does not run. */
export function logOff(userid: Userid): Command {
  return smcli('Image_Deactivate', userid, '-f', 'IMMED');
}

/** Give the lock of a directory entry back: SMAPI Image_Unlock_DM. 400/24 when it is not locked. */
export function unlockEntry(userid: Userid): Command {
  return smcli('Image_Unlock_DM', userid);
}

/** A VSWITCH with its adapters: CP `QUERY VSWITCH name DETAILS`. */
export function queryVswitchDetails(vswitch: VswitchName): Command {
  return { argv: ['vmcp', 'q', 'vswitch', vswitch, 'details'] };
}
