import { Userid } from '../network/identifiers.ts';
import { Mac } from '../network/mac.ts';
import { Vdev } from '../network/vdev.ts';
import { Vswitch } from '../network/vswitch.ts';
import { badOutput, take } from './parsing.ts';

const OPERATION = 'read VSWITCHes';

type Fields = Map<string, string>;
type Grant = { userid: string; portNumber: number | undefined; vlans: number[]; promiscuous?: true };
type Group = { switchFields: Fields; uplinks: Fields[]; grants: Grant[]; nics: Fields[] };

// contract xcat.md 4.5
const STATUS = [
  undefined,
  'Virtual switch defined',
  'Controller not available',
  'Operator intervention required',
  'Disconnected',
  'Virtual devices attached to controller',
  'OSA initialization in progress',
  'OSA device not ready',
  'OSA device ready',
  'OSA devices being detached',
  'Virtual switch delete pending',
  'Virtual switch fail over recovering',
  'Auto restart in progress',
] as const;
const UPLINK_STATES = ['inactive', 'active', 'backup'] as const;
const UPLINK_ERRORS = [
  undefined,
  'Port name conflict',
  'No layer 2 support',
  'Real device does not exist',
  'Real device is attached elsewhere',
  'Real device is not QDIO OSA-E',
  'Initialization error',
  'Stalled OSA',
  'Stalled controller',
  'Controller connection severed',
  'Primary or secondary routing conflict',
  'Device is offline',
  'Device was detached',
  'IP/Ethernet type mismatch',
  'Insufficient memory',
  'TCP/IP configuration conflict',
] as const;
const UPLINK_KEYS = ['virtual_device_address', 'controller_name', 'port_name', 'device_status', 'device_error_status'];

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
    if (key === 'switch_name') groups.push({ switchFields: new Map(), uplinks: [], grants: [], nics: [] });
    const group = groups.at(-1);
    if (group !== undefined) addLine(group, key, value.trim());
  }
  if (groups.length === 0 && output.trim() !== '') throw badOutput(OPERATION, 'no VSWITCH in the output');
  return groups.map(vswitchOf);
}

function addLine(group: Group, key: string, value: string): void {
  const grant = group.grants.at(-1);
  if (key === 'real_device_address') group.uplinks.push(new Map([[key, value]]));
  else if (UPLINK_KEYS.includes(key)) group.uplinks.at(-1)?.set(key, value);
  // The port number comes before the userid that it belongs to.
  else if (key === 'port_num') group.grants.push({ userid: '', portNumber: portNumberOf(value), vlans: [] });
  else if (key === 'grant_userid') {
    if (grant?.userid === '') grant.userid = value;
    else group.grants.push({ userid: value, portNumber: undefined, vlans: [] });
  } else if (key === 'promiscuous_mode') {
    if (grant !== undefined && value === 'PROM') grant.promiscuous = true;
  } else if (key === 'adapter_owner') group.nics.push(new Map([[key, value]]));
  else if (key.startsWith('adapter_')) group.nics.at(-1)?.set(key, value);
  else if (key === 'user_vlan_id') {
    if (grant === undefined) throw badOutput(OPERATION, 'a VLAN without a userid');
    if (/^\d{1,5}$/.test(value)) grant.vlans.push(Number(value));
    else if (!isNone(value)) throw badOutput(OPERATION, 'a VLAN is no number');
  } else if (!group.switchFields.has(key)) group.switchFields.set(key, value);
}

/** 0000 stands for an authorisation by userid. */
function portNumberOf(value: string): number | undefined {
  const portNumber = Number(value);
  return Number.isInteger(portNumber) && portNumber > 0 ? portNumber : undefined;
}

function vswitchOf({ switchFields, uplinks, grants, nics }: Group): Vswitch {
  const text = (key: string) => {
    const value = switchFields.get(key) ?? '';
    return isNone(value) ? undefined : value;
  };
  const awareness = switchFields.get('vlan_awareness');
  if (awareness !== 'AWARE' && awareness !== 'UNAWARE') throw badOutput(OPERATION, 'no VLAN awareness of a VSWITCH');
  const vlanAware = awareness === 'AWARE';
  return take(
    Vswitch,
    {
      name: switchFields.get('switch_name'),
      transport: switchFields.get('transport_type')?.toUpperCase(),
      vlanAware,
      defaultVlan: vlanAware ? vlanOf(text('vlan_id')) : undefined,
      portSelection: switchFields.get('user_port_based'),
      uplinks: uplinks.filter((fields) => !isNone(fields.get('real_device_address') ?? '')).map(uplinkOf),
      status: STATUS[Number(text('switch_status'))],
      nativeVlan: vlanOf(text('native_vlan_id')),
      portType: text('port_type')?.toUpperCase(),
      gvrp: text('gvrp_request_attribute') === 'GVRP',
      isolated: text('isolation_status') === 'ISOLATION',
      macProtected: text('MAC_protect') === 'MACPROTECT',
      queueMemoryLimitMb: numberOf(text('queue_memory_limit')),
      router: text('routing_value'),
      mac: Mac.safeParse(text('mac_address') ?? '').data,
      authorisations: grants
        .filter(({ userid }) => !isNone(userid))
        .map(({ userid, ...rest }) => ({ userid: take(Userid, userid, OPERATION), ...rest })),
      nics: nics.filter((nic) => !isNone(nic.get('adapter_owner') ?? '')).map(nicOf),
    },
    OPERATION,
  );
}

function uplinkOf(fields: Fields): unknown {
  const text = (key: string) => {
    const value = fields.get(key) ?? '';
    return isNone(value) ? undefined : value;
  };
  const error = Number(text('device_error_status') ?? '0');
  return {
    rdev: text('real_device_address'),
    state: UPLINK_STATES[Number(text('device_status'))] ?? 'inactive',
    error: error === 0 ? undefined : (UPLINK_ERRORS[error] ?? `device error ${error}`),
    virtualDevice: text('virtual_device_address'),
    controller: text('controller_name'),
    portName: text('port_name'),
  };
}

/** NONE, 0 and 32768 stand for no VLAN. */
function vlanOf(text: string | undefined): number | undefined {
  const vlan = Number(text);
  return vlan >= 1 && vlan <= 4094 ? vlan : undefined;
}

function numberOf(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,5}$/.test(text) ? Number(text) : undefined;
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
