import { defined } from '../../../domain/defined.ts';
import type { Report } from '../../../domain/drift/finding.ts';
import { Mac } from '../../../domain/port/mac.ts';
import { PortNumber } from '../../../domain/port/port-number.ts';
import { Vdev } from '../../../domain/port/vdev.ts';
import { Userid, VswitchName } from '../../../domain/text/identifiers.ts';
import { quoteValue } from '../../../domain/text/quoted-value.ts';
import { Rdev } from '../../../domain/vswitch/rdev.ts';
import { vlansOfWords } from '../../../domain/vswitch/vlan-set.ts';
import type { Authorisation, ConnectedNic, Uplink, Vswitch } from '../../../domain/vswitch/vswitch.ts';
import { badOutput } from '../../zvm/parsing.ts';
import { printedValue } from './smcli-values.ts';

const OPERATION = 'read VSWITCHes';

type Fields = Map<string, string>;
type Grant = {
  userid: string;
  portNumber: string | undefined;
  vlans: string[];
  vlanCount: string | undefined;
  promiscuity?: string;
};
type Group = { switchFields: Fields; uplinks: Fields[]; grants: Grant[]; nics: Fields[]; errors: string[] };

// docs/reference/smcli.md 4
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

// Values that stand for no VLAN beside an empty one (docs/reference/smcli.md 4, 4.2).
const NO_VLAN = [0, 32_768];
const HIGHEST_VLAN = 4094;
const LAST_OF_ADAPTER = 'adapter_type';
const GRANT_KEYS = [
  'port_num',
  'grant_userid',
  'promiscuous_mode',
  'osd_sim',
  'vlan_count',
  'vlan_info',
  'user_vlan_id',
];
// A field that SMAPI left empty: smcli leaves the list out from there on, and ends with exit status 1 (docs/reference/smcli.md 1.2).
const MISSING = /^\s*Error ([A-Za-z_]+) +is NULL!!/;
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
    if (name !== undefined) return [new VswitchText(name, group, report).read()];
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
  return output.split('\n').some((line) => {
    const key = MISSING.exec(line)?.[1];
    return key !== undefined && !isOfList(key);
  });
}

function isOfList(key: string): boolean {
  return isOfUplink(key) || GRANT_KEYS.includes(key) || LIST_KEY.test(key);
}

function isWhole({ switchFields, grants, nics, errors }: Group): boolean {
  if (!switchFields.has('user_port_based')) return false;
  const grantsEnd = errors.some((key) => GRANT_KEYS.includes(key));
  return (
    (grantsEnd || grants.every(({ vlanCount = '0', vlans }) => Number(vlanCount) <= vlans.length)) &&
    nics.every((nic) => nic.has(LAST_OF_ADAPTER))
  );
}

function groupsOf(output: string): Group[] {
  const groups: Group[] = [];
  for (const line of output.split('\n')) {
    const missing = MISSING.exec(line)?.[1];
    if (missing !== undefined) {
      if (isOfList(missing)) groups.at(-1)?.errors.push(missing);
      continue;
    }
    // `device_error_status 3` has no colon.
    const [, key, value = ''] = /^\s*([A-Za-z_]+):?(?:[ \t]+(\S[^\r]*)?|\r?$)/.exec(line) ?? [];
    if (key === undefined) continue;
    if (key === 'switch_name') groups.push({ switchFields: new Map(), uplinks: [], grants: [], nics: [], errors: [] });
    const group = groups.at(-1);
    if (group !== undefined) addLine(group, key, value.trim());
  }
  return groups;
}

function addLine(group: Group, key: string, value: string): void {
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

/** One VSWITCH of the output, whose values are read one by one. */
class VswitchText {
  readonly #name: VswitchName;
  readonly #group: Group;
  readonly #report: Report;
  /** The reasons why ports on the VSWITCH cannot be worked on. */
  readonly #unclear: string[] = [];

  constructor(name: VswitchName, group: Group, report: Report) {
    this.#name = name;
    this.#group = group;
    this.#report = report;
  }

  read(): Vswitch {
    const { grants, nics, uplinks, errors } = this.#group;
    for (const key of errors) this.#missing(key);
    const awareness = this.#oneOf('vlan_awareness', ['AWARE', 'UNAWARE'] as const);
    const vlanAware = awareness !== 'UNAWARE';
    const defaultVlan = vlanAware ? this.#defaultVlan() : undefined;
    const seen: Vswitch = defined({
      name: this.#name,
      transport: this.#oneOf('transport_type', ['ETHERNET', 'IP'] as const) ?? 'UNKNOWN',
      vlanAware,
      defaultVlan,
      portSelection: this.#oneOf('user_port_based', ['USERBASED', 'PORTBASED'] as const) ?? 'UNKNOWN',
      uplinks: uplinks.flatMap((fields) => this.#uplink(fields)),
      status: this.#status(),
      nativeVlan: vlanNumber(this.#text('native_vlan_id')),
      portType: this.#portType(),
      gvrp: this.#text('gvrp_request_attribute') === 'GVRP',
      isolated: this.#text('isolation_status') === 'ISOLATION',
      macProtected: this.#text('MAC_protect') === 'MACPROTECT',
      queueMemoryLimitMb: numberOf(this.#text('queue_memory_limit')),
      router: this.#text('routing_value'),
      mac: Mac.safeParse(this.#text('mac_address') ?? '').data,
      authorisations: grants.flatMap((grant) => this.#authorisation(grant, vlanAware)),
      nics: nics.flatMap((fields) => this.#nic(fields)),
    });
    const uplinksHidden = errors.some(isOfUplink) ? true : undefined;
    return { ...seen, ...defined({ uplinksHidden, unclear: this.#unclear.join('; ') || undefined }) };
  }

  /** smcli has left out the rest of a list. */
  #missing(key: string): void {
    const empty = `${key} is empty in SMAPI's answer`;
    if (isOfUplink(key)) this.#say(`${empty}: the list of its real devices is incomplete, and they stay unchanged`);
    else if (GRANT_KEYS.includes(key)) {
      const reason = `${empty}: the list of its authorisations is incomplete`;
      this.#unclear.push(reason);
      this.#say(`${reason}, and ports on it stay unchanged`);
    } else this.#say(`${empty}: the list of its NICs is incomplete`);
  }

  #text(key: string): string | undefined {
    return printedValue(this.#group.switchFields.get(key));
  }

  /** A value that ports on the VSWITCH depend on. */
  #oneOf<Word extends string>(key: string, words: readonly Word[]): Word | undefined {
    const text = this.#group.switchFields.get(key) ?? '';
    const word = words.find((candidate) => candidate === text.toUpperCase());
    if (word === undefined) this.#hold(key, text);
    return word;
  }

  #hold(key: string, text: string): void {
    const reason = `${key} ${quoteValue(text)} is unknown`;
    this.#unclear.push(reason);
    this.#say(`${reason}: ports on it stay unchanged`);
  }

  #say(reason: string): void {
    this.#report({ of: `VSWITCH ${this.#name}`, reason });
  }

  #defaultVlan(): number | undefined {
    const text = this.#text('vlan_id');
    const known = text === undefined || vlanNumber(text) !== undefined || NO_VLAN.includes(numberOf(text) ?? -1);
    if (!known) this.#hold('vlan_id', text);
    return vlanNumber(text);
  }

  #portType(): 'ACCESS' | 'TRUNK' | undefined {
    const text = this.#text('port_type')?.toUpperCase();
    if (text === undefined || text === 'ACCESS' || text === 'TRUNK') return text;
    this.#say(`port_type ${quoteValue(text)} is unknown`);
    return undefined;
  }

  #status(): string | undefined {
    const text = this.#text('switch_status');
    return text === undefined ? undefined : (STATUS[Number(text)] ?? `status ${text.slice(0, 40)}`);
  }

  #uplink(fields: Fields): Uplink[] {
    const text = (key: string) => printedValue(fields.get(key));
    const device = text('real_device_address');
    if (device === undefined) return [];
    const rdev = Rdev.safeParse(device).data;
    if (rdev === undefined) {
      this.#hold('real_device_address', device);
      return [];
    }
    const error = Number(text('device_error_status') ?? '0');
    return [
      defined({
        rdev,
        state: UPLINK_STATES[Number(text('device_status'))] ?? 'inactive',
        error: error === 0 ? undefined : (UPLINK_ERRORS[error] ?? `device error ${error}`),
        virtualDevice: text('virtual_device_address'),
        controller: text('controller_name'),
        portName: text('port_name'),
      }),
    ];
  }

  #authorisation(grant: Grant, vlanAware: boolean): Authorisation[] {
    const text = printedValue(grant.userid);
    if (text === undefined) return [];
    const userid = Userid.safeParse(text).data;
    if (userid === undefined) {
      this.#say(`an authorisation of ${quoteValue(text)} is unreadable: it stays unchanged`);
      return [];
    }
    const vlans = grant.vlans.map(vlansOfGrant);
    const odd = [
      ...grant.vlans.filter((_, index) => vlans[index] === undefined && vlanAware),
      ...(isPortNumber(grant.portNumber) ? [] : [grant.portNumber ?? '']),
    ];
    const known: Authorisation = defined({
      userid,
      vlans: vlans.flatMap((each) => each ?? []),
      portNumber: portOf(grant),
      promiscuous: grant.promiscuity?.toUpperCase() === 'PROM' ? true : undefined,
    });
    if (odd.length === 0) return [known];
    const unclear = `the authorisation of ${userid} has ${odd.map(quoteValue).join(', ')}, which is not a VLAN or port number`;
    this.#say(`${unclear}: it stays unchanged`);
    return [{ ...known, unclear }];
  }

  #nic(fields: Fields): ConnectedNic[] {
    const owner = printedValue(fields.get('adapter_owner'));
    if (owner === undefined) return [];
    const userid = Userid.safeParse(owner).data;
    const vdevText = fields.get('adapter_vdev') ?? '';
    const vdev = Vdev.safeParse(vdevText).data;
    if (userid === undefined || vdev === undefined) {
      this.#say(`NIC ${quoteValue(vdevText)} of ${quoteValue(owner)} on it is unreadable`);
      return [];
    }
    return [{ userid, vdev, ...defined({ mac: Mac.safeParse(fields.get('adapter_macaddr') ?? '').data }) }];
  }
}

function isOfUplink(key: string): boolean {
  return key === 'real_device_address' || UPLINK_KEYS.includes(key);
}

/** 0000 stands for an authorisation by userid. */
function isPortNumber(text: string | undefined): boolean {
  const value = printedValue(text);
  return value === undefined || Number(value) === 0 || portOf({ portNumber: value }) !== undefined;
}

function portOf({ portNumber }: Pick<Grant, 'portNumber'>): PortNumber | undefined {
  return PortNumber.safeParse(Number(portNumber)).data;
}

/** VLANs as numbers, whatever their width; ranges too. None for what stands for no VLAN, undefined for what is not understood. */
function vlansOfGrant(text: string): readonly number[] | undefined {
  const value = printedValue(text);
  if (value === undefined) return [];
  const number = numberOf(value);
  if (number !== undefined) return number === NO_VLAN[1] ? [] : number <= HIGHEST_VLAN ? [number] : undefined;
  const words = value.split(/[ ,]+/);
  const understood = words.every((word) => {
    const vlans = vlansOfWords([word]);
    return vlans.length > 0 && vlans.every((vlan) => vlan >= 1 && vlan <= HIGHEST_VLAN);
  });
  return understood ? vlansOfWords(words) : undefined;
}

/** NONE, 0 and 32768 stand for no VLAN. */
function vlanNumber(text: string | undefined): number | undefined {
  const vlan = numberOf(text);
  return vlan !== undefined && vlan >= 1 && vlan <= HIGHEST_VLAN ? vlan : undefined;
}

function numberOf(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,5}$/.test(text) ? Number(text) : undefined;
}
