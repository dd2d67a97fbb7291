import { defined } from '../../domain/defined.ts';

/** `stale`: the guest was in another state than the plan was made for; reading again shows what is left to do. */
export type Reaction = 'done' | 'already' | 'retry' | 'stale' | 'permanent';

const ASYNCHRONOUS = 592;
// coreutils' timeout
const ENDED_BY_TIMEOUT = 124;

export type ReturnCode = {
  rc: number;
  /** One reason code, or any that no other row of this return code has. */
  rs: number | '*';
  meaning: string;
  reaction: Reaction;
  /** Functions whose reaction differs: the wanted state is there, or comes by itself. Matched by the end of the name. */
  except?: { functions: RegExp; reaction: Reaction; sentence?: string };
  sentence: string;
};

// The guest's directory brings the change at its next logon; a NIC that it does not have now needs no removal.
const IMMEDIATE = /^Virtual_Network_Adapter_(Create|Create_Extended|Connect_.*(?<!_DM)|Disconnect|Delete)$/;
const REMOVAL = /^Virtual_Network_Adapter_(Delete|Disconnect)$/;
const DM_REMOVAL = /^Virtual_Network_Adapter_(Delete|Disconnect)_DM$/;
const CREATE = /^Virtual_Network_Adapter_Create(_Extended)?$/;
const COUPLE = /^Virtual_Network_Adapter_Connect_.*(?<!_DM)$/;
const UNCOUPLE = /^Virtual_Network_Adapter_Disconnect$/;
const DM_CREATE = /^(Virtual_Network_Adapter_Create(_Extended)?_DM|Image_Definition_Update_DM)$/;
const GRANT = /^Virtual_Network_Vswitch_Set(_Extended)?$/;
const VSWITCH_CREATE = /^Virtual_Network_Vswitch_Create(_Extended)?$/;
const VSWITCH_DELETE = /^Virtual_Network_Vswitch_Delete(_Extended)?$/;

const already = (functions: RegExp) => ({ functions, reaction: 'already' as const });

/** SMAPI's return and reason codes with what a client does about them (docs/reference/smcli.md 5.1). */
export const RETURN_CODES: readonly ReturnCode[] = [
  row(0, 36, 'already in list', 'already', 'the list has the entry already'),
  row(0, '*', 'done', 'done', 'done'),
  row(8, 8, 'device does not exist', 'permanent', 'the guest has no such device', already(REMOVAL)),
  row(8, 45, 'userid not logged on', 'stale', 'the guest is not logged on', already(IMMEDIATE)),
  row(24, '*', 'syntax error in a parameter', 'permanent', 'SMAPI refuses a parameter: a defect of this program'),
  row(36, '*', 'authorisation deferred', 'permanent', 'SMAPI has not authorised the zHCP for this function'),
  row(100, '*', 'not authorised', 'permanent', 'the zHCP is not authorised for this function: see VSMWORK1 AUTHLIST'),
  row(200, 4, 'image not found', 'permanent', 'z/VM knows no such guest'),
  row(200, 8, 'image already active', 'permanent', 'the guest is logged on already', already(/^Image_Activate$/)),
  row(200, 12, 'image not active', 'stale', 'the guest is not logged on', already(IMMEDIATE)),
  row(200, 16, 'image being deactivated', 'retry', 'the guest is being logged off'),
  row(204, 2, 'device number not valid', 'permanent', 'z/VM refuses the device number'),
  row(
    204,
    4,
    'image device already exists',
    'stale',
    'the guest has a device with that number already',
    already(CREATE),
  ),
  row(204, 8, 'image device does not exist', 'permanent', 'the guest has no such NIC', already(REMOVAL)),
  row(204, 12, 'image device is busy', 'retry', 'the device is busy'),
  row(204, 16, 'image device is not available', 'retry', 'the device is not available'),
  row(204, 20, 'image device already connected', 'stale', 'the NIC is coupled already', already(COUPLE)),
  row(204, 28, 'defined as another type', 'permanent', 'the device with that number is not a NIC'),
  row(204, 40, 'adapter not deleted', 'retry', 'the NIC was not deleted'),
  row(204, 48, 'adapter already disconnected', 'stale', 'the NIC is not coupled', already(UNCOUPLE)),
  row(212, 8, 'not authorised to connect, or no adapter', 'permanent', 'the guest has no such NIC', {
    functions: COUPLE,
    // The grant may be on its way; the guest is read again, and granted what is missing.
    reaction: 'stale',
    sentence: 'the guest is not authorised to couple to the VSWITCH, or an external security manager refuses it',
  }),
  row(212, 12, 'LAN not active', 'permanent', 'the VSWITCH is not active'),
  row(212, 16, 'LAN owner not active', 'permanent', 'the owner of the VSWITCH is not active'),
  row(212, 20, 'owner not active', 'permanent', 'the owner of the VSWITCH is not active'),
  row(212, 28, 'wrong type of device', 'permanent', 'the type of the device does not match the VSWITCH'),
  row(212, 32, 'not connected to LAN', 'stale', 'the NIC is not coupled', already(UNCOUPLE)),
  row(212, 36, 'virtual switch already exists', 'permanent', 'the VSWITCH exists already', already(VSWITCH_CREATE)),
  row(212, 40, 'virtual switch does not exist', 'permanent', 'the VSWITCH does not exist', already(VSWITCH_DELETE)),
  row(212, 44, 'image already authorised', 'permanent', 'the guest is authorised already', already(GRANT)),
  row(212, 48, 'VLAN does not exist', 'permanent', 'the VLAN does not exist'),
  row(212, 52, 'too many connections', 'permanent', 'the VSWITCH has no free port'),
  row(396, 2846, 'HCP2846', 'permanent', 'the VSWITCH is VLAN-unaware and takes no VLAN'),
  row(396, 2797, 'HCP2797', 'permanent', 'the NIC conflicts with another device'),
  ...[2838, 2853, 2856, 2858, 3022, 3033].map((rs) =>
    row(396, rs, `HCP${rs}`, 'permanent', 'the options conflict with the configuration of the VSWITCH'),
  ),
  ...[2788, 2848, 3034, 6011].map((rs) =>
    row(396, rs, `HCP${rs}`, 'permanent', 'the coupling conflicts with the configuration of NIC or VSWITCH'),
  ),
  row(396, '*', 'CP error', 'permanent', 'CP refused the command: the reason code is the number of its HCP message'),
  row(400, 4, 'definition not found', 'permanent', 'the directory has no such guest', already(/^Image_Delete_DM$/)),
  row(400, 8, 'definition already there', 'permanent', 'the directory has the guest already'),
  row(400, 12, 'definition is locked', 'retry', 'the directory entry is locked by another change'),
  row(
    400,
    24,
    'definition is not locked',
    'permanent',
    'the directory entry is not locked',
    already(/^Image_Unlock_DM$/),
  ),
  row(
    404,
    4,
    'device already defined',
    'stale',
    'the directory has a device with that number already',
    already(DM_CREATE),
  ),
  row(404, 8, 'device not defined', 'stale', 'the directory has no such device', already(DM_REMOVAL)),
  row(404, 12, 'device is locked', 'retry', 'the device is locked in the directory by another change'),
  row(
    412,
    16,
    'does not match the statement',
    'permanent',
    'the request does not match the statement in the directory',
  ),
  row(412, 28, 'wrong type', 'permanent', 'the device in the directory is of another type'),
  row(500, 4, 'directory manager accepts no updates', 'retry', 'DirMaint accepts no updates now'),
  row(500, 8, 'directory manager not available', 'retry', 'DirMaint is not available'),
  row(592, '*', 'asynchronous operation started', 'done', 'accepted; DirMaint carries the change out later'),
  row(596, 1185, 'DirMaint request counter', 'retry', 'DirMaint is busy (request counter)'),
  row(596, 6312, 'DirMaint request limit', 'retry', 'DirMaint is busy (request limit)'),
  row(
    596,
    '*',
    'DirMaint error',
    'permanent',
    'DirMaint refused the command: the reason code is the number of its message',
  ),
  row(620, 54, 'DEFINE exists', 'permanent', 'SYSTEM CONFIG has the definition already', already(VSWITCH_CREATE)),
  row(620, 60, 'DEFINE missing', 'permanent', 'SYSTEM CONFIG lacks the definition', already(VSWITCH_DELETE)),
  row(620, '*', 'SYSTEM CONFIG', 'permanent', 'SYSTEM CONFIG could not be changed'),
  row(900, 8, 'worker server not found', 'retry', 'a SMAPI worker is missing'),
  row(900, 40, 'socket error', 'retry', 'SMAPI lost a connection'),
  row(900, 99, 'reissue the call', 'retry', 'SMAPI requests a repeat of the call'),
  ...Array.from({ length: 11 }, (_, index) =>
    row(-100 - index, '*', 'socket error', 'retry', 'the zHCP lost its connection to SMAPI'),
  ),
];

function row(
  rc: number,
  rs: number | '*',
  meaning: string,
  reaction: Reaction,
  sentence: string,
  except?: ReturnCode['except'],
): ReturnCode {
  return { rc, rs, meaning, reaction, sentence, ...defined({ except }) };
}

/** The verdict on a command. Without a code in the output, `rc` is the exit status and `rs` 0. */
export type SmapiVerdict =
  /** `asynchronous`: it was accepted, and comes later or not at all (SMAPI 592). */
  | { ok: true; already: boolean; asynchronous?: true }
  | { ok: false; rc: number; rs: number; retryable: boolean; sentence: string; raw: string };

/**
 * Judge what a command printed (docs/reference/smcli.md 1.1, 5.1). `functionName` is SMAPI's, since some codes mean "already so" for some
 * functions only; with another text none does. Return code 0 is success whatever the reason code, and so is 592; a code that is not in
 * the table is permanent and shown whole. The caller compares when "already" must be the right one (204/4, 204/20, 404/4).
 */
export function judge(functionName: string, exitStatus: number, output: string): SmapiVerdict {
  const rcText = /^\s*Return Code: (-?\d{1,9})/m.exec(output)?.[1];
  const rc = Number(rcText ?? exitStatus);
  const rs = Number(/^\s*Reason Code: (-?\d{1,9})/m.exec(output)?.[1] ?? 0);
  if (rcText === undefined) {
    return exitStatus === 0 ? { ok: true, already: false } : { ok: false, rc, rs, ...withoutCode(output, exitStatus) };
  }
  return verdictOn(functionName, rc, rs, withoutDirectory(output));
}

/** The same of a code that another program has read; `raw` is what it said, for a code that is not in the table. */
export function verdictOn(functionName: string, rc: number, rs: number, raw: string): SmapiVerdict {
  const known = rowOf(rc, rs);
  if (known === undefined) {
    return { ok: false, rc, rs, retryable: false, sentence: `SMAPI answered: ${oneLine(raw)}`, raw };
  }
  const { except } = known;
  const isException = except?.functions.test(functionName) === true;
  const reaction = isException ? except.reaction : known.reaction;
  if (reaction === 'done' || reaction === 'already')
    return { ok: true, already: reaction === 'already', ...(rc === ASYNCHRONOUS ? { asynchronous: true } : {}) };
  const sentence = (isException ? except?.sentence : undefined) ?? known.sentence;
  return { ok: false, rc, rs, retryable: reaction !== 'permanent', sentence, raw };
}

/** True for a code that the same call may not get again: something is busy, or away for a moment. */
export function isPassing(rc: number, rs: number): boolean {
  return rowOf(rc, rs)?.reaction === 'retry';
}

/** The name of the documentation's section about a code (docs/errors/smapi.md). */
export function smapiPage(rc: number, rs: number): string {
  const known = rowOf(rc, rs);
  if (known === undefined) return 'smapi-other';
  if (rc < 0) return 'smapi-socket';
  return known.rs === '*' ? `smapi-${rc}` : `smapi-${rc}-${known.rs}`;
}

function rowOf(rc: number, rs: number): ReturnCode | undefined {
  return (
    RETURN_CODES.find((code) => code.rc === rc && code.rs === rs) ??
    RETURN_CODES.find((code) => code.rc === rc && code.rs === '*')
  );
}

function withoutCode(output: string, exitStatus: number): { retryable: boolean; sentence: string; raw: string } {
  const raw = withoutDirectory(output);
  // smcli found no SMAPI to ask (docs/reference/smcli.md 1.1).
  const retryable = raw.includes('Unable to determine SMAPI level') || exitStatus === ENDED_BY_TIMEOUT;
  return { retryable, sentence: `exit status ${exitStatus}: ${oneLine(raw)}`, raw };
}

// A directory entry begins with the logon password, which must not get into messages.
function withoutDirectory(output: string): string {
  return /^\s*(USER|IDENTITY)\s/im.test(output) ? 'a directory entry, not shown' : output;
}

function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, ' ').trim().slice(0, 500);
}
