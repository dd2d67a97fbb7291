import { defined } from '../../domain/defined.ts';
import type { Report } from '../../domain/drift/finding.ts';
import { Mac } from '../../domain/port/mac.ts';
import { PortNumber } from '../../domain/port/port-number.ts';
import { Vdev } from '../../domain/port/vdev.ts';
import { Userid, type VswitchName } from '../../domain/text/identifiers.ts';
import { quoteValue } from '../../domain/text/quoted-value.ts';
import { Rdev } from '../../domain/vswitch/rdev.ts';
import { vlansOfWords } from '../../domain/vswitch/vlan-set.ts';
import type { Authorisation, ConnectedNic, Uplink, Vswitch } from '../../domain/vswitch/vswitch.ts';
import { printedValue } from './printed-value.ts';

type Fields = Map<string, string>;
type Grant = {
  userid: string;
  portNumber: string | undefined;
  vlans: string[];
  vlanCount: string | undefined;
  promiscuity?: string;
};
/** One VSWITCH as text, by the keys of smcli (docs/reference/smcli.md 4.2): values of it, and lists. `errors`: keys that SMAPI left empty. */
export type VswitchText = {
  switchFields: Fields;
  uplinks: Fields[];
  grants: Grant[];
  nics: Fields[];
  errors: string[];
};

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
export const UPLINK_KEYS = [
  'virtual_device_address',
  'controller_name',
  'port_name',
  'device_status',
  'device_error_status',
];

export const GRANT_KEYS = [
  'port_num',
  'grant_userid',
  'promiscuous_mode',
  'osd_sim',
  'vlan_count',
  'vlan_info',
  'user_vlan_id',
];
// Values that stand for no VLAN beside an empty one (docs/reference/smcli.md 4, 4.2).
const NO_VLAN = [0, 32_768];
const HIGHEST_VLAN = 4094;

/** A VSWITCH from its texts. A value that is not understood is reported and hides nothing else: what depends on it is left `unclear`. */
export function readVswitch(name: VswitchName, text: VswitchText, report: Report): Vswitch {
  return new Reader(name, text, report).read();
}

/** Reads the values of one VSWITCH one by one. */
class Reader {
  readonly #name: VswitchName;
  readonly #whole: VswitchText;
  readonly #report: Report;
  /** The reasons why ports on the VSWITCH cannot be worked on. */
  readonly #unclear: string[] = [];

  constructor(name: VswitchName, whole: VswitchText, report: Report) {
    this.#name = name;
    this.#whole = whole;
    this.#report = report;
  }

  read(): Vswitch {
    const { grants, nics, uplinks, errors } = this.#whole;
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
    return printedValue(this.#whole.switchFields.get(key));
  }

  /** A value that ports on the VSWITCH depend on. */
  #oneOf<Word extends string>(key: string, words: readonly Word[]): Word | undefined {
    const text = this.#whole.switchFields.get(key) ?? '';
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
    if (text === undefined || !/^\d+$/.test(text)) return withoutDot(text);
    return STATUS[Number(text)] ?? `status ${text.slice(0, 40)}`;
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
    return [
      defined({
        rdev,
        state: uplinkState(text('device_status')),
        error: uplinkError(text('device_error_status')),
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

/** True for a key of an uplink. */
export function isOfUplink(key: string): boolean {
  return key === 'real_device_address' || UPLINK_KEYS.includes(key);
}

/** A number, or the sentence that Feilong makes of it. */
function uplinkState(text = ''): Uplink['state'] {
  if (/^\d+$/.test(text)) return UPLINK_STATES[Number(text)] ?? 'inactive';
  return /\bbackup\b/i.test(text) ? 'backup' : /\bis active\b/i.test(text) ? 'active' : 'inactive';
}

/** The same of what is wrong with it. */
function uplinkError(text = '0'): string | undefined {
  if (!/^\d+$/.test(text)) return /^No error/i.test(text) ? undefined : withoutDot(text);
  const error = Number(text);
  return error === 0 ? undefined : (UPLINK_ERRORS[error] ?? `device error ${error}`);
}

function withoutDot(text: string | undefined): string | undefined {
  return text?.slice(0, 100).replace(/\.$/, '');
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
