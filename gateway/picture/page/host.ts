import type { HostView, PortView } from './api.ts';

type GuestView = {
  userid: string;
  node: string;
  ports: readonly PortView[];
  foreignNics: readonly ForeignNic[];
  drift: readonly string[];
  runsOn?: string | undefined;
  belongsTo?: string | undefined;
  inProgress?: boolean | undefined;
  outside?: boolean;
};
type ForeignNic = { userid?: string; vdev: string; vswitch: string; mac?: string | undefined };

/** A NIC as it is drawn: a port's, or a foreign one. */
export type Nic = {
  key: string;
  userid: string;
  vdev: string | undefined;
  mac: string | undefined;
  port?: PortView;
  kind: PortView['network']['type'] | 'foreign';
  vlans: readonly number[];
  /** The record's text when it is unreadable. */
  written?: string | undefined;
  vswitch: string | undefined;
  coupledTo: string | undefined;
  state: 'unwired' | 'coupled' | 'open' | 'down' | 'foreign';
  drift: readonly string[];
  inProgress?: boolean;
  running: boolean;
};
/** `runsOn`: the other member of the SSI cluster where it is; `belongsTo`: the one whose guest it is. */
export type DrawnGuest = {
  userid: string;
  node: string;
  nics: Nic[];
  drift: readonly string[];
  runsOn?: string | undefined;
  belongsTo?: string | undefined;
  outside: boolean;
  /** An operation is at work on it: a difference from the record is no drift. */
  changing: boolean;
};
/** `missing`: ports name it, and z/VM has none of that name. */
export type DrawnVswitch = Omit<HostView['vswitches'][number], 'name'> & { name: string; missing?: true };
export type DrawnHost = {
  view: HostView;
  guests: DrawnGuest[];
  vswitches: DrawnVswitch[];
  vlans: Map<number, number>;
  flat: number;
  ports: number;
  drifted: number;
  changing: number;
};

const derived = new WeakMap<GuestView, DrawnGuest>();
const outsiders = new Map<string, { key: string; view: GuestView }>();

/** A host as it is drawn: VSWITCHes (those too that ports name and z/VM lacks), guests with their NICs, VLANs with how often they occur. */
export function hostOf(view: HostView): DrawnHost {
  const known = new Set<string>(view.guests.map(({ userid }) => userid));
  const guests = [...view.guests.map(guestOf), ...outsidersOf(view, known)];
  const nics = guests.flatMap((guest) => guest.nics);
  const vlans = new Map<number, number>();
  for (const nic of nics) for (const vlan of nic.vlans) vlans.set(vlan, (vlans.get(vlan) ?? 0) + 1);
  return {
    view,
    guests,
    vswitches: vswitchesOf(view, nics),
    vlans: new Map([...vlans].toSorted(([one], [other]) => one - other)),
    flat: nics.filter(({ kind }) => kind === 'flat').length,
    ports: nics.filter(({ port }) => port !== undefined).length,
    drifted: guests.filter(({ drift }) => drift.length > 0).length,
    changing: guests.filter(({ changing }) => changing).length,
  };
}

/** The same view gives the same guest: what has not changed is not drawn anew. */
function guestOf(view: GuestView): DrawnGuest {
  const known = derived.get(view);
  if (known !== undefined) return known;
  const nics = [
    ...view.ports.map((port) => portNic(view, port)),
    ...view.foreignNics.map((nic) => foreignNic(view, nic)),
  ];
  const guest = {
    userid: view.userid,
    node: view.node,
    nics: nics.toSorted((one, other) => (one.vdev ?? '~').localeCompare(other.vdev ?? '~')),
    drift: view.drift,
    runsOn: view.runsOn,
    belongsTo: view.belongsTo,
    outside: view.outside === true,
    changing: view.inProgress === true,
  };
  derived.set(view, guest);
  return guest;
}

function portNic({ userid, ports, inProgress = false }: GuestView, port: PortView): Nic {
  const { vdev, network, vswitch, actual, adminStateUp, mac, drift } = port;
  const coupled = actual.coupledTo !== null;
  return {
    key: `${userid}/${port.portId}`,
    userid,
    vdev,
    mac,
    port,
    kind: network.type,
    vlans: vlansOf(network),
    written: network.type === 'unreadable' ? network.text : undefined,
    vswitch,
    coupledTo: actual.coupledTo ?? undefined,
    state: vswitch === undefined ? 'unwired' : coupled ? 'coupled' : adminStateUp ? 'open' : 'down',
    drift,
    inProgress,
    running: ports.some((other) => other.actual.coupledTo !== null),
  };
}

/** None of an unreadable network. */
function vlansOf(network: PortView['network']): readonly number[] {
  if (network.type === 'vlan') return [network.segmentationId];
  return network.type === 'trunk' ? network.segmentationIds : [];
}

function foreignNic({ userid }: GuestView, { vdev, vswitch, mac }: ForeignNic): Nic {
  return {
    key: `${userid}/${vdev}`,
    userid,
    vdev,
    mac,
    kind: 'foreign',
    vlans: [],
    vswitch,
    coupledTo: vswitch,
    state: 'foreign',
    drift: [],
    running: true,
  };
}

/** Guests that are coupled here, but that xCAT has not under this zHCP. */
function outsidersOf(view: HostView, known: ReadonlySet<string>): DrawnGuest[] {
  const nics = view.vswitches.flatMap(({ name, nics }) =>
    nics.filter(({ userid }) => !known.has(userid)).map((nic) => ({ ...nic, vswitch: name })),
  );
  return [...Map.groupBy(nics, ({ userid }) => userid)].map(([userid, foreignNics]) => {
    const belongsTo = view.visitors?.find((visitor) => visitor.userid === userid)?.belongsTo;
    const key = JSON.stringify([foreignNics, belongsTo]);
    const before = outsiders.get(userid);
    const drawn =
      before?.key === key
        ? before.view
        : { userid, node: '', ports: [], foreignNics, drift: [], belongsTo, outside: true };
    outsiders.set(userid, { key, view: drawn });
    return guestOf(drawn);
  });
}

function vswitchesOf(view: HostView, nics: readonly Nic[]): DrawnVswitch[] {
  const named = new Set(nics.map(({ vswitch }) => vswitch).filter((name) => name !== undefined));
  const there = new Set<string>(view.vswitches.map(({ name }) => name));
  const missing = [...named]
    .filter((name) => !there.has(name))
    .map(
      (name): DrawnVswitch => ({
        name,
        missing: true,
        physicalNetwork: null,
        portSelection: 'UNKNOWN',
        transport: 'UNKNOWN',
        vlanAware: false,
        uplinks: [],
        authorisations: [],
        nics: [],
        status: null,
      }),
    );
  const all: DrawnVswitch[] = [...view.vswitches, ...missing];
  // Configured VSWITCHes stand together, by their physical networks.
  return all.toSorted((one, other) => orderOf(one).localeCompare(orderOf(other)));
}

function orderOf({ physicalNetwork, name, missing }: DrawnVswitch): string {
  return `${missing ? 1 : physicalNetwork === null ? 2 : 0} ${physicalNetwork ?? ''} ${name}`;
}

/** VLANs in few characters: `100`, `100+101`, `100–104`, `6 VLANs`, `flat`. */
export function vlanText({ kind, vlans }: Pick<Nic, 'kind' | 'vlans'>): string {
  if (kind === 'foreign') return 'foreign';
  if (kind === 'flat') return 'flat';
  if (kind === 'unreadable') return 'not readable';
  const [first, last] = [vlans[0], vlans.at(-1)];
  if (vlans.length <= 2 || first === undefined || last === undefined) return vlans.join('+');
  return last - first === vlans.length - 1 ? `${first}–${last}` : `${vlans.length} VLANs`;
}

/** The words beside a NIC's line; empty when it is coupled as recorded. */
export function stateText(nic: Nic): string {
  if (nic.drift.length > 0) return driftText(nic);
  if (nic.inProgress === true && nic.state === 'open') return 'being changed';
  if (nic.state === 'down') return 'down';
  if (nic.state === 'open') return nic.running ? 'not coupled' : 'not coupled, or logged off';
  if (nic.state === 'unwired') return 'not wired';
  if (nic.state === 'foreign') return 'recorded nowhere';
  return '';
}

function driftText({ port, vswitch, coupledTo }: Nic): string {
  if (port === undefined) return 'drifted';
  if (port.unreadable !== undefined) return 'record unreadable: the port stays unchanged';
  if (coupledTo !== undefined && coupledTo !== vswitch) return `on ${coupledTo}, not ${vswitch}`;
  if (port.actual.vlans === null && port.actual.mayBeInDirectory !== true) return 'not authorised';
  return coupledTo !== undefined && !port.adminStateUp ? 'down, but coupled' : 'drifted';
}

/** A NIC as a sentence, for those who hear the page. */
export function nicSentence(nic: Nic): string {
  const network = ['vlan', 'trunk'].includes(nic.kind) ? `VLAN ${nic.vlans.join(', ')}` : vlanText(nic);
  const where = nic.vswitch === undefined ? 'on no VSWITCH' : `on ${nic.vswitch}`;
  const state = stateText(nic);
  return `NIC ${nic.vdev ?? 'without vdev'}, ${network}, ${where}${state === '' ? ', coupled' : `, ${state}`}`;
}
