import fc from 'fast-check';
import type { GuestState, Nicdef, NicdefAuthorization } from '../../domain/guest/guest.ts';
import type { HostCapabilities, ProbedBehaviour } from '../../domain/host/host-capabilities.ts';
import { Change } from '../../domain/operations/requests.ts';
import type { PlanningContext } from '../../domain/planning/planning-context.ts';
import { authorizationFor } from '../../domain/planning/port-authority.ts';
import type { Vdev } from '../../domain/port/vdev.ts';
import type { Network } from '../../domain/vswitch/network.ts';
import type { Vswitch } from '../../domain/vswitch/vswitch.ts';
import { type Authorizing, vlansBy, type World } from './model.ts';
import { NETWORKS, nothingInUse, RULES, scenarios } from './worlds.ts';

const unknown = { state: 'unknown' as const, reason: 'not asked' };

/** The levels of a host, as far as plans look at them. */
export function capabilitiesWith(
  dna: 'enabled' | 'disabled' | 'absent' | 'unknown',
  behaviour: ProbedBehaviour = {},
): HostCapabilities {
  return {
    ...{ release: unknown, serviceLevel: unknown, networkService: unknown, smapiLevel: unknown, smcli: unknown },
    directoryNetworkAuthorization: dna === 'unknown' ? unknown : { state: 'known', value: dna, from: 'z/VM' },
    behaviour,
  };
}

/** A z/VM system with directory network authorization, and what the planner knows of it. */
export const systems = fc
  .record({
    nicdefAlone: fc.constantFrom('authorises' as const, 'refused' as const),
    vlanWinner: fc.constantFrom('nicdef' as const, 'grant' as const),
    coupleReadsDirectory: fc.boolean(),
    tells: fc.boolean(),
    probed: fc.record({ nicdefAlone: fc.boolean(), vlanWinner: fc.boolean(), coupleReadsDirectory: fc.boolean() }),
  })
  .map(({ probed, ...zvm }) => ({
    zvm: { ...zvm, coupledAs: {}, atLogon: [] } satisfies Authorizing,
    capabilities: capabilitiesWith('enabled', {
      ...(probed.nicdefAlone ? { nicdefAlone: zvm.nicdefAlone } : {}),
      ...(probed.vlanWinner ? { vlanWinner: zvm.vlanWinner } : {}),
      // Where COUPLE goes by the logon, a plan that does not know it finds out by a refusal or the wrong VLAN.
      ...(probed.coupleReadsDirectory || !zvm.coupleReadsDirectory
        ? { coupleReadsDirectory: zvm.coupleReadsDirectory }
        : {}),
    }),
  }));

const OPERANDS = ['none', 'right', 'right', 'other VLAN', 'other type'] as const;

/** A guest in any state on a system with directory network authorization, and a change of it. */
export const directoryWorlds = fc
  .record({
    scenario: scenarios,
    system: systems,
    operands: fc.array(fc.constantFrom(...OPERANDS), { minLength: 5, maxLength: 5 }),
    rights: fc.constantFrom<NicdefAuthorization>({}, { promiscuous: false }, { priority: 'HIGH' }),
    change: fc.constantFrom(
      'reconcile',
      'modernize',
      'setPorts',
      'changeVlan',
      'deletePort',
      'setAdminState',
      'attachNic',
    ),
    at: fc.nat(3),
    network: fc.constantFrom(...NETWORKS),
    up: fc.boolean(),
  })
  .map(({ scenario, system, operands, rights, change, at, network, up }) => {
    const { world: bare, desired } = scenario;
    const networkOf = (vdev: Vdev): Network | undefined =>
      desired.ports.find((port) => port.vdev === vdev)?.network ?? undefined;
    const directory = bare.guest.directory.map((nic, index): Nicdef => {
      const vswitch = bare.vswitches.find(({ name }) => name === nic.vswitch);
      const authorization = {
        ...operandsOf(operands[index] ?? 'none', vswitch, networkOf(nic.vdev)),
        ...(index === 0 ? rights : {}),
      };
      return Object.keys(authorization).length === 0 ? nic : { ...nic, authorization };
    });
    const recorded = bare.guest.recorded.map((row) =>
      row.vswitch === 'VSWFLAT' ? { ...row, network: { type: 'flat' as const } } : row,
    );
    const guest = { ...bare.guest, recorded, directory };
    const world = withLiveVlans({ ...bare, guest, zvm: { ...system.zvm, atLogon: directory } }, system.zvm);
    const context = contextOf(world.guest, world.vswitches, system.capabilities);
    return { world, context, change: changeOf(change, world.guest, desired.ports, at, network, up) };
  });

function operandsOf(
  kind: (typeof OPERANDS)[number],
  vswitch: Vswitch | undefined,
  network: Network = { type: 'flat' },
): NicdefAuthorization {
  if (vswitch?.vlanAware !== true || kind === 'none') return {};
  if (kind === 'other VLAN') return { vlans: [77], portType: 'ACCESS' };
  if (kind === 'other type') return { portType: 'TRUNK' };
  return authorizationFor(vswitch, network, {}) ?? {};
}

/**
 * Live NICs are on what they were coupled with: what their NICDEF or their authorisation says, or another VLAN; on a VSWITCH without VLANs they are
 * on none.
 */
function withLiveVlans(world: World, zvm: Authorizing): World {
  const coupledAs = Object.fromEntries(
    world.guest.live.flatMap((nic) => {
      const vswitch = world.vswitches.find(({ name }) => name === nic.vswitch);
      if (vswitch === undefined) return [];
      const nicdef = world.guest.directory.find(({ vdev }) => vdev === nic.vdev);
      const other = vswitch.vlanAware ? [9] : [0];
      return [[nic.vdev, vlansBy(world, vswitch, nicdef, nicdef?.portNumber) ?? other] as const];
    }),
  );
  const live = world.guest.live.map((nic) =>
    zvm.tells && nic.vswitch !== undefined ? { ...nic, vlans: coupledAs[nic.vdev] ?? [] } : nic,
  );
  return { ...world, guest: { ...world.guest, live }, zvm: { ...zvm, atLogon: world.guest.directory, coupledAs } };
}

/** All that a decision looks at, of a host whose VSWITCHes are all configured. */
export function contextOf(
  guest: GuestState,
  vswitches: readonly Vswitch[],
  capabilities: HostCapabilities,
): PlanningContext {
  return {
    guest,
    vswitches,
    capabilities,
    rules: {
      ...RULES,
      vswitches: vswitches.map(({ name, portSelection }) => ({
        ...{ physicalNetwork: name, vswitch: name, flat: true, vlanRanges: [{ from: 1, to: 4094 }] },
        ...{ transport: 'ETHERNET' as const, rdevs: [] },
        portSelection: portSelection === 'PORTBASED' ? 'PORTBASED' : 'USERBASED',
      })),
    },
    ...nothingInUse(),
  };
}

function changeOf(
  kind: string,
  guest: GuestState,
  wanted: readonly { portId: string; vswitch: string; network: Network; vdev: Vdev }[],
  at: number,
  network: Network,
  adminStateUp: boolean,
): Change {
  const portId = guest.recorded[at % Math.max(1, guest.recorded.length)]?.portId;
  if (kind === 'modernize') return { kind };
  if (kind === 'setPorts' && wanted.length > 0)
    return Change.parse({
      kind,
      live: true,
      ports: wanted.map(({ portId, vswitch, network, vdev }) => ({ portId, vswitch, network, vdev })),
    });
  if (portId === undefined || kind === 'reconcile' || kind === 'setPorts')
    return Change.parse({ kind: 'reconcile', ports: [], removed: [], unrecorded: [], left: [] });
  if (kind === 'changeVlan') return Change.parse({ kind, portId, network });
  if (kind === 'deletePort') return Change.parse({ kind, portId });
  if (kind === 'attachNic') return Change.parse({ kind, ports: [{ portId }] });
  return Change.parse({ kind: 'setAdminState', portId, adminStateUp });
}
