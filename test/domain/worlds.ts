import fc from 'fast-check';
import type { HostsRow } from '../../backend/xcat/rows/address-rows.ts';
import { parseMacColumn } from '../../backend/xcat/rows/port-rows.ts';
import type { Desired, DesiredPort } from '../../domain/guest/desired.ts';
import type { LiveNic, Nicdef, RecordedPort } from '../../domain/guest/guest.ts';
import type { HostRules } from '../../domain/host/host.ts';
import { IpAddress, type NicAddress } from '../../domain/port/address.ts';
import { Mac, MacPrefix, macId } from '../../domain/port/mac.ts';
import { vlansOf } from '../../domain/port/port.ts';
import { Vdev } from '../../domain/port/vdev.ts';
import { HostName, NodeName, PortId, SegmentationId, Userid, VswitchName } from '../../domain/text/identifiers.ts';
import type { Network } from '../../domain/vswitch/network.ts';
import type { Vswitch } from '../../domain/vswitch/vswitch.ts';
import type { World } from './model.ts';

export const USERID = Userid.parse('LNX00042');
export const NODE = NodeName.parse('lnx00042');
export const PREFIX = MacPrefix.parse('02:00:00');
const NAMES = ['VSWFLAT', 'VSW1', 'VSW2', 'VSWPORT'].map((name) => VswitchName.parse(name));
const PORT_BASED = VswitchName.parse('VSWPORT');
const VDEVS = ['1000', '1003', '1006', '1009'].map((text) => Vdev.parse(text));
const FOREIGN_VDEV = Vdev.parse('0600');
export const FOREIGN_NUMBER = 99;
/** The rest of a decision's context: the rules of a host without VSWITCHes, and a host on which no address is taken. */
export const RULES: HostRules = {
  host: HostName.parse('zvm1'),
  zhcpNode: NodeName.parse('zhcp1'),
  vswitches: [],
  firstVdev: Vdev.parse('1000'),
  macPrefix: PREFIX,
  makeDns: false,
  directoryOnline: false,
};
export const nothingInUse = () => ({ macsInUse: new Map(), addressesInUse: new Map(), avoidMacs: new Set<Mac>() });
/** The parts of a VSWITCH that no plan of a guest looks at. */
export const UNSEEN = { uplinks: [], gvrp: false, isolated: false, macProtected: false };

const vlan = (id: number): Network => ({ type: 'vlan', segmentationId: SegmentationId.parse(id) });
const trunk = (...ids: number[]): Network => ({
  type: 'trunk',
  segmentationIds: ids.map((id) => SegmentationId.parse(id)),
});
export const NETWORKS = [{ type: 'flat' } as Network, vlan(1), vlan(100), vlan(4094), trunk(1, 100), trunk(100, 200)];
const networkOn = (name: VswitchName): fc.Arbitrary<Network> =>
  name === 'VSWFLAT' ? fc.constant({ type: 'flat' }) : fc.constantFrom(...NETWORKS);

function portAt(
  index: number,
  name: VswitchName,
  network: Network,
  up: boolean,
  live: DesiredPort['live'],
): DesiredPort {
  return {
    portId: PortId.parse(`00000000-0000-4000-8000-00000000000${index}`),
    userid: USERID,
    vswitch: name,
    network,
    mac: Mac.parse(`02:00:00:00:00:0${index + 1}`),
    vdev: VDEVS[index] ?? FOREIGN_VDEV,
    adminStateUp: up,
    live,
    ...(name === PORT_BASED ? { portNumber: 11 + index } : {}),
  };
}

/** A guest in any state, and what it should have: some ports kept, some new, some removed, each perhaps half done. */
export const scenarios: fc.Arbitrary<{ world: World; desired: Desired }> = fc
  .record({
    networks: fc.tuple(...NAMES.map(networkOn)),
    ports: fc.array(
      fc.record({
        on: fc.nat(NAMES.length - 1),
        ownNetwork: fc.constantFrom(...NETWORKS),
        numbered: fc.constantFrom('no', 'right', 'other VLAN'),
        up: fc.boolean(),
        live: fc.constantFrom('present', 'absent', 'asIs'),
        named: fc.oneof({ weight: 3, arbitrary: fc.constant(true) }, fc.constant(false)),
        removed: fc.boolean(),
        recorded: fc.boolean(),
        recordedElsewhere: fc.boolean(),
        address: fc.constantFrom('no', 'new', 'recorded', 'changed', 'leaving'),
        inDirectory: fc.constantFrom('no', 'right', 'uncoupled', 'wrong MAC'),
        inGuest: fc.constantFrom('no', 'coupled', 'uncoupled', 'wrong MAC'),
      }),
      { maxLength: 4 },
    ),
    authorised: fc.tuple(...NAMES.map((name) => fc.option(networkOn(name)))),
    loggedOn: fc.boolean(),
    foreignOn: fc.option(fc.constantFrom(...NAMES)),
    hostsRow: fc.constantFrom('ours', 'foreign', 'adopted'),
  })
  .map((given) => build(given as Given));

type Given = {
  networks: Network[];
  ports: {
    on: number;
    ownNetwork: Network;
    numbered: 'no' | 'right' | 'other VLAN';
    up: boolean;
    live: DesiredPort['live'];
    /** It has a MAC of its own. */
    named: boolean;
    removed: boolean;
    recorded: boolean;
    recordedElsewhere: boolean;
    address: 'no' | 'new' | 'recorded' | 'changed' | 'leaving';
    inDirectory: 'no' | 'right' | 'uncoupled' | 'wrong MAC';
    inGuest: 'no' | 'coupled' | 'uncoupled' | 'wrong MAC';
  }[];
  authorised: (Network | null)[];
  loggedOn: boolean;
  foreignOn: VswitchName | null;
  hostsRow: 'ours' | 'foreign' | 'adopted';
};

function build(given: Given): { world: World; desired: Desired } {
  const all = given.ports.map((entry, index) => {
    const name = NAMES[entry.on] ?? NAMES[0] ?? VswitchName.parse('VSW1');
    // VLANs belong to the port there, not to the userid.
    const network = name === PORT_BASED ? entry.ownNetwork : (given.networks[entry.on] ?? { type: 'flat' });
    const elsewhere = NAMES[(entry.on + 1) % NAMES.length] ?? name;
    const { mac, ...unnamed } = portAt(index, name, network, entry.up, entry.live);
    const port: DesiredPort = entry.named && mac !== undefined ? { ...unnamed, mac } : unnamed;
    const wanted = entry.address === 'no' || entry.address === 'leaving' ? {} : { address: addressOf(index) };
    return { ...entry, elsewhere, port: { ...port, ...wanted } };
  });
  const vswitches = NAMES.map((name, index): Vswitch => {
    const granted = given.authorised[index] ?? null;
    const reported = (network: Network) => (network.type === 'flat' ? [name === 'VSWFLAT' ? 0 : 1] : vlansOf(network));
    const portBased = name === PORT_BASED;
    const numbered = all.filter((entry) => portBased && entry.port.vswitch === name && entry.numbered !== 'no');
    const aware = name !== 'VSWFLAT';
    return {
      ...UNSEEN,
      name,
      transport: 'ETHERNET',
      vlanAware: aware,
      ...(aware ? { defaultVlan: 1 } : {}),
      portSelection: portBased ? 'PORTBASED' : 'USERBASED',
      authorisations: portBased
        ? [
            { userid: USERID, vlans: [9], portNumber: FOREIGN_NUMBER },
            ...numbered.map(({ port, numbered: how }) => ({
              userid: USERID,
              vlans: how === 'right' ? reported(port.network) : [7],
              ...(port.portNumber === undefined ? {} : { portNumber: port.portNumber }),
            })),
          ]
        : granted === null
          ? []
          : [{ userid: USERID, vlans: reported(granted) }],
      nics: [],
    };
  });
  const recorded = all
    .filter((entry) => entry.recorded || entry.removed)
    .map(({ port, recordedElsewhere, elsewhere, removed }): RecordedPort => {
      const { userid: _userid, live: _live, portNumber: _number, ...row } = port;
      return { ...row, vswitch: recordedElsewhere && !removed ? elsewhere : port.vswitch };
    });
  const directory = all.flatMap(({ port, inDirectory }): Nicdef[] => {
    if (inDirectory === 'no') return [];
    const nic = {
      vdev: port.vdev,
      ...(port.mac === undefined ? {} : { macId: inDirectory === 'wrong MAC' ? 'FFFFFF' : macId(port.mac) }),
      ...(port.portNumber === undefined ? {} : { portNumber: port.portNumber }),
    };
    return [inDirectory === 'uncoupled' ? nic : { ...nic, vswitch: port.vswitch }];
  });
  const live = all.flatMap(({ port, inGuest }): LiveNic[] => {
    if (inGuest === 'no') return [];
    if (inGuest === 'uncoupled') return [{ vdev: port.vdev }];
    return [
      {
        vdev: port.vdev,
        vswitch: port.vswitch,
        mac: inGuest === 'wrong MAC' || port.mac === undefined ? Mac.parse('02:00:00:ff:ff:ff') : port.mac,
      },
    ];
  });
  const foreign = [given.foreignOn ?? []].flat().map((vswitch) => ({
    vdev: FOREIGN_VDEV,
    vswitch,
    ...(vswitch === PORT_BASED ? { portNumber: FOREIGN_NUMBER } : {}),
  }));
  const macs = all
    .filter(({ recorded, port }) => recorded && port.mac !== undefined)
    .map(({ port }) => `${port.mac}!${NODE}-${port.vdev}`);
  const portOf = Object.fromEntries(
    all.flatMap(({ port }) => (port.portNumber === undefined ? [] : [[port.vdev, port.portNumber] as const])),
  );
  const { hostsRow, addresses } = addressesOf(given, all);
  return {
    world: {
      portOf,
      guest: {
        userid: USERID,
        names: [NODE],
        loggedOn: given.loggedOn,
        recorded,
        addresses,
        xcat: {
          ports: new Map(),
          macEntries: parseMacColumn(['02:00:00:aa:aa:aa!other', ...macs].join('|'), NODE, ''),
          macRow: true,
          hostsRow,
          otherNodes: [],
        },
        directory: [...directory, ...foreign],
        live: given.loggedOn ? [...live, ...foreign] : [],
      },
      vswitches,
    },
    desired: {
      ports: all.filter((entry) => !entry.removed).map((entry) => entry.port),
      removed: all.filter((entry) => entry.removed).map(({ port }) => ({ portId: port.portId, unwired: false })),
      keepAuthorised: [],
      leaving: all
        .filter((entry) => entry.recorded && entry.recordedElsewhere && !entry.removed)
        .map((entry) => entry.elsewhere),
    },
  };
}

type Entry = Given['ports'][number] & { port: DesiredPort };

function addressOf(index: number): IpAddress {
  return IpAddress.parse(`10.0.0.${index + 1}`);
}

function addressesOf(given: Given, all: readonly Entry[]): { hostsRow: HostsRow; addresses: NicAddress[] } {
  if (given.hostsRow === 'foreign') return { hostsRow: { foreign: '10.9.9.9' }, addresses: [] };
  const wanted = all.find((entry) => entry.port.address !== undefined && !entry.removed)?.port.address;
  if (given.hostsRow === 'adopted' && wanted !== undefined) return { hostsRow: { foreign: wanted }, addresses: [] };
  const addresses = all.flatMap(({ port, address, recorded, removed }, index) => {
    if (address === 'no' || address === 'new' || !(recorded || removed)) return [];
    return [
      { vdev: port.vdev, address: address === 'changed' ? IpAddress.parse(`10.1.1.${index}`) : addressOf(index) },
    ];
  });
  return { hostsRow: addresses.length === 0 ? 'none' : 'ours', addresses };
}
