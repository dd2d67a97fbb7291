import { Userid } from '../network/identifiers.ts';
import { Mac } from '../network/mac.ts';
import { Vdev } from '../network/vdev.ts';
import { Vswitch } from '../network/vswitch.ts';
import { badOutput, take } from './parsing.ts';

const OPERATION = 'read VSWITCHes';

type Fields = Map<string, string>;
type Group = { switchFields: Fields; grants: { userid: string; vlans: number[] }[]; nics: Fields[] };

/**
 * VSWITCHes from Virtual_Network_Vswitch_Query_Extended: lines `key: value`, a block per VSWITCH that begins with `switch_name`, within it
 * a block per userid and per NIC (contract xcat.md 4.5). Throws XcatError 'bad-answer' when blocks are cut short or values are not of their
 * type.
 */
export function parseVswitches(output: string): Vswitch[] {
  const groups: Group[] = [];
  for (const line of output.split('\n')) {
    // `device_error_status 3` has no colon; `Error controller_name is NULL!!` stands between lines and means nothing here.
    const [, key, value = ''] = /^\s*([A-Za-z_]+):?[ \t]+(\S[^\r]*)?/.exec(line) ?? [];
    if (key === undefined || key === 'Error') continue;
    if (key === 'switch_name') groups.push({ switchFields: new Map(), grants: [], nics: [] });
    const group = groups.at(-1);
    if (group !== undefined) addLine(group, key, value.trim());
  }
  if (groups.length === 0 && output.trim() !== '') throw badOutput(OPERATION, 'no VSWITCH in the output');
  return groups.map(vswitchOf);
}

function addLine(group: Group, key: string, value: string): void {
  if (key === 'grant_userid') group.grants.push({ userid: value, vlans: [] });
  else if (key === 'adapter_owner') group.nics.push(new Map([[key, value]]));
  else if (key.startsWith('adapter_')) group.nics.at(-1)?.set(key, value);
  else if (key === 'user_vlan_id') {
    const grant = group.grants.at(-1);
    if (grant === undefined) throw badOutput(OPERATION, 'a VLAN without a userid');
    if (/^\d{1,5}$/.test(value)) grant.vlans.push(Number(value));
    else if (!isNone(value)) throw badOutput(OPERATION, 'a VLAN is no number');
  } else if (!group.switchFields.has(key)) group.switchFields.set(key, value);
}

function vswitchOf({ switchFields, grants, nics }: Group): Vswitch {
  const awareness = switchFields.get('vlan_awareness');
  if (awareness !== 'AWARE' && awareness !== 'UNAWARE') throw badOutput(OPERATION, 'no VLAN awareness of a VSWITCH');
  const vlanAware = awareness === 'AWARE';
  const defaultVlan = Number(switchFields.get('vlan_id'));
  return take(
    Vswitch,
    {
      name: switchFields.get('switch_name'),
      transport: switchFields.get('transport_type')?.toUpperCase(),
      vlanAware,
      // NONE, 0 and 32768 stand for no default VLAN.
      ...(vlanAware && defaultVlan >= 1 && defaultVlan <= 4094 ? { defaultVlan } : {}),
      portSelection: switchFields.get('user_port_based'),
      authorisations: grants
        .filter(({ userid }) => !isNone(userid))
        .map(({ userid, vlans }) => ({ userid: take(Userid, userid, OPERATION), vlans })),
      nics: nics.filter((nic) => !isNone(nic.get('adapter_owner') ?? '')).map(nicOf),
    },
    OPERATION,
  );
}

function nicOf(fields: Fields): Vswitch['nics'][number] {
  const mac = Mac.safeParse(fields.get('adapter_macaddr') ?? '').data;
  return {
    userid: take(Userid, fields.get('adapter_owner'), OPERATION),
    vdev: take(Vdev, fields.get('adapter_vdev'), OPERATION),
    ...(mac === undefined ? {} : { mac }),
  };
}

function isNone(value: string): boolean {
  return /^(|none|\(none\))$/i.test(value);
}
