import fc from 'fast-check';
import type { Desired, DesiredPort } from '../../network/desired.ts';
import type { LiveNic, Nicdef, RecordedPort } from '../../network/guest.ts';
import { NodeName, PortId, SegmentationId, Userid, VswitchName } from '../../network/identifiers.ts';
import { Mac, MacPrefix, macId } from '../../network/mac.ts';
import { parseMacColumn } from '../../network/mac-record.ts';
import type { Network } from '../../network/port.ts';
import { Vdev } from '../../network/vdev.ts';
import type { Vswitch } from '../../network/vswitch.ts';
import type { World } from './model.ts';

export const USERID = Userid.parse('LNX00042');
export const NODE = NodeName.parse('lnx00042');
export const PREFIX = MacPrefix.parse('02:00:00');
const NAMES = ['VSWFLAT', 'VSW1', 'VSW2'].map((name) => VswitchName.parse(name));
const VDEVS = ['1000', '1003', '1006', '1009'].map((text) => Vdev.parse(text));
const FOREIGN_VDEV = Vdev.parse('0600');

const vlan = (id: number): Network => ({ type: 'vlan', segmentationId: SegmentationId.parse(id) });
const networkOn = (name: VswitchName): fc.Arbitrary<Network> =>
  name === 'VSWFLAT'
    ? fc.constant({ type: 'flat' })
    : fc.constantFrom<Network>({ type: 'flat' }, vlan(1), vlan(100), vlan(4094));

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
    node: NODE,
    vswitch: name,
    network,
    mac: Mac.parse(`02:00:00:00:00:0${index + 1}`),
    vdev: VDEVS[index] ?? FOREIGN_VDEV,
    adminStateUp: up,
    live,
  };
}

/** A guest in any state, and what it should have: some ports kept, some new, some removed, each perhaps half done. */
export const scenarios: fc.Arbitrary<{ world: World; desired: Desired }> = fc
  .record({
    networks: fc.tuple(...NAMES.map(networkOn)),
    ports: fc.array(
      fc.record({
        on: fc.nat(NAMES.length - 1),
        up: fc.boolean(),
        live: fc.constantFrom('present', 'absent', 'asIs'),
        removed: fc.boolean(),
        recorded: fc.boolean(),
        recordedElsewhere: fc.boolean(),
        inDirectory: fc.constantFrom('no', 'right', 'uncoupled', 'wrong MAC'),
        inGuest: fc.constantFrom('no', 'coupled', 'uncoupled', 'wrong MAC'),
      }),
      { maxLength: 4 },
    ),
    authorised: fc.tuple(...NAMES.map((name) => fc.option(networkOn(name)))),
    loggedOn: fc.boolean(),
    foreignOn: fc.option(fc.constantFrom(...NAMES)),
  })
  .map((given) => build(given as Given));

type Given = {
  networks: Network[];
  ports: {
    on: number;
    up: boolean;
    live: DesiredPort['live'];
    removed: boolean;
    recorded: boolean;
    recordedElsewhere: boolean;
    inDirectory: 'no' | 'right' | 'uncoupled' | 'wrong MAC';
    inGuest: 'no' | 'coupled' | 'uncoupled' | 'wrong MAC';
  }[];
  authorised: (Network | null)[];
  loggedOn: boolean;
  foreignOn: VswitchName | null;
};

function build(given: Given): { world: World; desired: Desired } {
  const all = given.ports.map((entry, index) => {
    const name = NAMES[entry.on] ?? NAMES[0] ?? VswitchName.parse('VSW1');
    return { ...entry, port: portAt(index, name, given.networks[entry.on] ?? { type: 'flat' }, entry.up, entry.live) };
  });
  const vswitches = NAMES.map((name, index): Vswitch => {
    const granted = given.authorised[index] ?? null;
    const vlans =
      granted === null ? undefined : granted.type === 'flat' ? [name === 'VSWFLAT' ? 0 : 1] : [granted.segmentationId];
    const aware = name !== 'VSWFLAT';
    return {
      name,
      transport: 'ETHERNET',
      vlanAware: aware,
      ...(aware ? { defaultVlan: 1 } : {}),
      portSelection: 'USERBASED',
      authorisations: vlans === undefined ? [] : [{ userid: USERID, vlans }],
      nics: [],
    };
  });
  const recorded = all
    .filter((entry) => entry.recorded || entry.removed)
    .map(({ port }): RecordedPort => ({ ...port, rows: 1 }));
  const directory = all.flatMap(({ port, inDirectory }): Nicdef[] => {
    if (inDirectory === 'no') return [];
    const nic = { vdev: port.vdev, macId: inDirectory === 'wrong MAC' ? 'FFFFFF' : macId(port.mac) };
    return [inDirectory === 'uncoupled' ? nic : { ...nic, vswitch: port.vswitch }];
  });
  const live = all.flatMap(({ port, inGuest }): LiveNic[] => {
    if (inGuest === 'no') return [];
    if (inGuest === 'uncoupled') return [{ vdev: port.vdev }];
    return [
      {
        vdev: port.vdev,
        vswitch: port.vswitch,
        mac: inGuest === 'wrong MAC' ? Mac.parse('02:00:00:ff:ff:ff') : port.mac,
      },
    ];
  });
  const foreign = given.foreignOn === null ? [] : [{ vdev: FOREIGN_VDEV, vswitch: given.foreignOn }];
  const macs = all.filter((entry) => entry.recorded).map(({ port }) => `${port.mac}!${NODE}-${port.vdev}`);
  return {
    world: {
      guest: {
        userid: USERID,
        node: NODE,
        loggedOn: given.loggedOn,
        recorded,
        macEntries: parseMacColumn(['02:00:00:aa:aa:aa!other', ...macs].join('|'), NODE, ''),
        directory: [...directory, ...foreign],
        live: given.loggedOn ? [...live, ...foreign] : [],
      },
      vswitches,
    },
    desired: {
      ports: all.filter((entry) => !entry.removed).map((entry) => entry.port),
      removed: all.filter((entry) => entry.removed).map(({ port }) => ({ portId: port.portId, keepRow: false })),
      keepAuthorised: [],
    },
  };
}
