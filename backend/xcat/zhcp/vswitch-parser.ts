import type { Report } from '../../../domain/drift/finding.ts';
import { VswitchName } from '../../../domain/text/identifiers.ts';
import { quoteValue } from '../../../domain/text/quoted-value.ts';
import type { Vswitch } from '../../../domain/vswitch/vswitch.ts';
import { badOutput } from '../../zvm/parsing.ts';
import { GRANT_KEYS, isOfUplink, readVswitch, UPLINK_KEYS, type VswitchText } from '../../zvm/vswitch-text.ts';

const OPERATION = 'read VSWITCHes';

const LAST_OF_ADAPTER = 'adapter_type';
// A line `key: value`; `device_error_status 3` has no colon.
const FIELDS = /(?<=^|\n)[^\S\n]*([A-Za-z_]+):?(?:[ \t]+(\S[^\r\n]*)?|(?=\r?(?:\n|$)))/g;
// A field that SMAPI left empty: smcli leaves the list out from there on, and ends with exit status 1 (docs/reference/smcli.md 1.2).
const MISSING = /^([A-Za-z_]+) +is NULL!!/;
const MISSING_FIELDS = /(?<=^|\n)[^\S\n]*Error ([A-Za-z_]+) +is NULL!!/g;
const LIST_KEY = /^(adapter_|uplink_NIC_|global_member_)/;

/**
 * VSWITCHes from Virtual_Network_Vswitch_Query_Extended: lines `key: value`, a block per VSWITCH that begins with `switch_name`, within it
 * a block per userid and per NIC (docs/reference/smcli.md 4.2). A value that is not understood is reported and hides nothing else: what
 * depends on it is left `unclear`. Throws BackendError 'bad-answer' when there is no VSWITCH in the output, or the last one's block is cut
 * short.
 */
export function parseVswitches(output: string, report: Report = () => undefined): Vswitch[] {
  const groups = groupsOf(output);
  if (groups.length === 0 && output.trim() !== '' && !leavesVswitchesOut(output))
    throw badOutput(OPERATION, 'no VSWITCH in the output');
  return groups.flatMap((group) => {
    const text = group.switchFields.get('switch_name');
    const name = VswitchName.safeParse(text).data;
    if (group === groups.at(-1) && !group.switchFields.has('vlan_awareness'))
      throw badOutput(OPERATION, `the answer ends within VSWITCH ${name ?? 'without a name'}`);
    if (name !== undefined) return [readVswitch(name, group, report)];
    report({ of: `VSWITCH ${quoteValue(text ?? '')}`, reason: 'its name is not valid on z/VM: it is not read' });
    return [];
  });
}

/** True when the output is an answer, be it that smcli names fields that SMAPI left empty: each VSWITCH is shown as far as its block goes. */
export function isWholeVswitchAnswer(output: string): boolean {
  const groups = groupsOf(output);
  return (groups.length > 0 && groups.every(isWhole)) || leavesVswitchesOut(output);
}

/** True when smcli shows no VSWITCHes from some place on, since a field of one is empty. */
export function leavesVswitchesOut(output: string): boolean {
  return [...output.matchAll(MISSING_FIELDS)].some(([, key = '']) => !isOfList(key));
}

function isOfList(key: string): boolean {
  return isOfUplink(key) || GRANT_KEYS.includes(key) || LIST_KEY.test(key);
}

function isWhole({ switchFields, grants, nics, errors }: VswitchText): boolean {
  if (!switchFields.has('user_port_based')) return false;
  const grantsEnd = errors.some((key) => GRANT_KEYS.includes(key));
  return (
    (grantsEnd || grants.every(({ vlanCount = '0', vlans }) => Number(vlanCount) <= vlans.length)) &&
    nics.every((nic) => nic.has(LAST_OF_ADAPTER))
  );
}

function groupsOf(output: string): VswitchText[] {
  const groups: VswitchText[] = [];
  // The answer of a large host has a hundred thousand lines: no list of them is made.
  for (const [, key = '', value = ''] of output.matchAll(FIELDS)) {
    const missing = key === 'Error' ? MISSING.exec(value)?.[1] : undefined;
    if (missing !== undefined) {
      if (isOfList(missing)) groups.at(-1)?.errors.push(missing);
      continue;
    }
    if (key === 'switch_name') groups.push({ switchFields: new Map(), uplinks: [], grants: [], nics: [], errors: [] });
    const group = groups.at(-1);
    if (group !== undefined) addLine(group, key, value.trim());
  }
  return groups;
}

function addLine(group: VswitchText, key: string, value: string): void {
  const grant = group.grants.at(-1);
  const begin = (userid: string, portNumber: string | undefined) =>
    group.grants.push({ userid, portNumber, vlans: [], vlanCount: undefined });
  if (key === 'real_device_address') group.uplinks.push(new Map([[key, value]]));
  else if (UPLINK_KEYS.includes(key)) group.uplinks.at(-1)?.set(key, value);
  // The port number comes before the userid that it belongs to.
  else if (key === 'port_num') begin('', value);
  else if (key === 'grant_userid') {
    if (grant?.userid === '') grant.userid = value;
    else begin(value, undefined);
  } else if (key === 'promiscuous_mode') {
    if (grant !== undefined) grant.promiscuity = value;
  } else if (key === 'adapter_owner') group.nics.push(new Map([[key, value]]));
  else if (key.startsWith('adapter_')) group.nics.at(-1)?.set(key, value);
  else if (key === 'vlan_count' && grant !== undefined) grant.vlanCount = value;
  else if (key === 'user_vlan_id') grant?.vlans.push(value);
  else if (!group.switchFields.has(key)) group.switchFields.set(key, value);
}
