import type { Desired, DesiredPort, Liveness } from './desired.ts';
import type { GuestState, RecordedPort } from './guest.ts';
import type { HostRules } from './host.ts';
import type { PortId, VswitchName } from './identifiers.ts';
import { allocateMac, type Mac, macFromId, macPrefix } from './mac.ts';
import { conflictingVswitches, foreignNics } from './planner.ts';
import { describeNetwork, type Network, sameNetwork } from './port.ts';
import { type Refusal, refusal } from './refusal.ts';
import type { Change, KnownPort, PortRequest } from './requests.ts';
import { allocateVdev, type Vdev, vdevsOverlap } from './vdev.ts';
import type { Vswitch } from './vswitch.ts';

/** A MAC address in use somewhere on the management node, and whose it is. */
export type MacInUse = { mac: Mac; owner: string; vdev?: Vdev };

/** All that a decision looks at. */
export type Surroundings = {
  guest: GuestState;
  vswitches: readonly Vswitch[];
  rules: HostRules;
  macsInUse: readonly MacInUse[];
};

/** What a change comes to: the state to reach, and the state to go back to when it cannot be reached. */
export type Decision =
  | { accepted: true; desired: Desired; before: Desired; affected: PortId[] }
  | { accepted: false; refusals: Refusal[] };

/**
 * Decide what a change asks of the guest: check it against the host's rules and the guest's other NICs, choose MAC and vdev where none is
 * given. Pure; nothing is touched when it is refused.
 */
export function decide(change: Change, around: Surroundings): Decision {
  const before = recordedPorts(around);
  const refusals: Refusal[] = [];
  const desired = applyChange(change, before, around, refusals);
  if (refusals.length === 0) refusals.push(...refuseConflicts(change, desired.ports, before, around));
  if (refusals.length > 0) return { accepted: false, refusals };
  return { accepted: true, desired, before: backTo(before, desired, around), affected: affectedBy(change) };
}

/** The guest's wired ports as they are recorded. Rows that nobody has wired yet are not among them. */
export function recordedPorts({ guest, rules }: Pick<Surroundings, 'guest' | 'rules'>): DesiredPort[] {
  return guest.recorded.flatMap((row) => {
    const mac = row.mac ?? macOfDirectory(row, guest, rules);
    if (row.vdev === undefined || row.vswitch === undefined || mac === undefined) return [];
    const { portId, vdev, vswitch, network, adminStateUp } = row;
    return [
      {
        portId,
        userid: guest.userid,
        node: guest.node,
        vswitch,
        network,
        mac,
        vdev,
        adminStateUp,
        live: 'asIs' as const,
      },
    ];
  });
}

// Nova's `mac` row keeps only the last NIC of a node (contract xcat.md 2.5); the directory has the others.
function macOfDirectory(row: RecordedPort, guest: GuestState, rules: HostRules): Mac | undefined {
  const nic = guest.directory.find((candidate) => candidate.vdev === row.vdev);
  return nic?.macId === undefined ? undefined : macFromId(rules.macPrefix, nic.macId);
}

function applyChange(change: Change, before: DesiredPort[], around: Surroundings, refusals: Refusal[]): Desired {
  const desired = (ports: DesiredPort[], removed: PortId[] = []): Desired => ({
    ports,
    removed: removed.map((portId) => ({ portId, keepRow: false })),
    keepAuthorised: [],
  });
  switch (change.kind) {
    case 'createPort':
      return desired(addPort(change.port, 'asIs', '', before, around, refusals));
    case 'attachNic':
      return desired(
        change.ports.reduce(
          (ports, port, index) =>
            'vswitch' in port
              ? addPort(port, 'present', `ports.${index}.`, ports, around, refusals)
              : changeOne(port.portId, `ports.${index}.portId`, ports, { live: 'present' }, refusals),
          before,
        ),
      );
    case 'changeVlan':
      return desired(changeNetwork(change.portId, change.network, before, around, refusals));
    case 'setAdminState':
      return desired(changeOne(change.portId, 'portId', before, { adminStateUp: change.adminStateUp }, refusals));
    case 'detachNic':
      return desired(
        change.portIds.reduce(
          (ports, portId, index) => changeOne(portId, `portIds.${index}`, ports, { live: 'absent' }, refusals),
          before,
        ),
      );
    case 'deletePort':
      return desired(
        before.filter((port) => port.portId !== change.portId),
        [change.portId],
      );
  }
}

function affectedBy(change: Change): PortId[] {
  switch (change.kind) {
    case 'createPort':
      return [change.port.portId];
    case 'attachNic':
      return change.ports.map((port: PortRequest | KnownPort) => port.portId);
    case 'detachNic':
      return change.portIds;
    default:
      return [change.portId];
  }
}

function changeOne(
  portId: PortId,
  field: string,
  ports: DesiredPort[],
  values: Partial<DesiredPort>,
  refusals: Refusal[],
): DesiredPort[] {
  if (!ports.some((port) => port.portId === portId)) {
    refusals.push(
      refusal(
        field,
        `port ${portId} is not recorded for this guest`,
        'create it with createPort, or check host and userid',
      ),
    );
    return ports;
  }
  return ports.map((port) => (port.portId === portId ? { ...port, ...values } : port));
}

function changeNetwork(
  portId: PortId,
  network: Network,
  ports: DesiredPort[],
  around: Surroundings,
  refusals: Refusal[],
): DesiredPort[] {
  const port = ports.find((candidate) => candidate.portId === portId);
  if (port !== undefined) refusals.push(...refuseNetwork(port.vswitch, network, '', around));
  return changeOne(portId, 'portId', ports, { network }, refusals);
}

function addPort(
  request: PortRequest,
  live: Liveness,
  at: string,
  ports: DesiredPort[],
  around: Surroundings,
  refusals: Refusal[],
): DesiredPort[] {
  const existing = ports.find((port) => port.portId === request.portId);
  if (existing !== undefined) {
    refusals.push(...refuseDifferent(request, existing, at));
    return ports.map((port) => (port === existing ? { ...port, live } : port));
  }
  const row = around.guest.recorded.find((candidate) => candidate.portId === request.portId);
  const found = refuseNetwork(request.vswitch, request.network, at, around);
  const vdev = chooseVdev(request, row, at, ports, around, found);
  const mac = chooseMac(request, row, at, ports, around, found);
  refusals.push(...found);
  if (vdev === undefined || mac === undefined) return ports;
  const { portId, vswitch, network, adminStateUp } = request;
  const { userid, node } = around.guest;
  return [...ports, { portId, userid, node, vswitch, network, mac, vdev, adminStateUp, live }];
}

function refuseDifferent(request: PortRequest, port: DesiredPort, at: string): Refusal[] {
  const differs: [string, boolean, string][] = [
    ['vswitch', request.vswitch !== port.vswitch, port.vswitch],
    ['network', !sameNetwork(request.network, port.network), describeNetwork(port.network)],
    ['mac', request.mac !== undefined && request.mac !== port.mac, port.mac],
    ['vdev', request.vdev !== undefined && request.vdev !== port.vdev, port.vdev],
  ];
  return differs
    .filter(([, different]) => different)
    .map(([field, , value]) =>
      refusal(
        `${at}${field}`,
        `port ${port.portId} exists already with ${field} ${value}`,
        'use changeVlan, or delete the port first',
      ),
    );
}

function refuseNetwork(name: VswitchName, network: Network, at: string, around: Surroundings): Refusal[] {
  const { rules } = around;
  const vswitch = around.vswitches.find((candidate) => candidate.name === name);
  const allowed = rules.vswitches.find((candidate) => candidate.vswitch === name);
  if (vswitch === undefined) {
    return [
      refusal(
        `${at}vswitch`,
        `VSWITCH ${name} is not defined on ${rules.host}`,
        `define it, or use one of ${nameAll(around.vswitches)}`,
      ),
    ];
  }
  if (allowed === undefined) {
    const advice = `add it to vswitch_mappings, flat_networks or network_vlan_ranges of ${rules.host}`;
    return [refusal(`${at}vswitch`, `VSWITCH ${name} is not in the configuration of ${rules.host}`, advice)];
  }
  if (vswitch.portSelection === 'PORTBASED') {
    const advice = 'use a user-based VSWITCH';
    return [
      refusal(
        `${at}vswitch`,
        `VSWITCH ${name} is port-based: its VLANs belong to port numbers, which are not managed here`,
        advice,
      ),
    ];
  }
  if (network.type === 'flat') {
    if (allowed.flat) return [];
    return [
      refusal(
        `${at}network.type`,
        `flat networks are not allowed on ${name}`,
        'add its physical network to flat_networks',
      ),
    ];
  }
  if (!vswitch.vlanAware) {
    const reason = `VSWITCH ${name} is VLAN-unaware: z/VM refuses a VLAN on it (SMAPI 396/2846)`;
    return [refusal(`${at}network.segmentationId`, reason, 'use a flat network there, or a VLAN-aware VSWITCH')];
  }
  const { segmentationId } = network;
  if (allowed.vlanRanges.some((range) => range.from <= segmentationId && segmentationId <= range.to)) return [];
  const ranges = allowed.vlanRanges.map((range) => `${range.from}–${range.to}`).join(', ') || 'none';
  const reason = `VLAN ${segmentationId} is outside the ranges of ${name} on ${rules.host}: ${ranges}`;
  return [refusal(`${at}network.segmentationId`, reason, 'use a VLAN of those ranges, or extend network_vlan_ranges')];
}

function chooseVdev(
  request: PortRequest,
  row: RecordedPort | undefined,
  at: string,
  ports: readonly DesiredPort[],
  { guest, rules }: Surroundings,
  refusals: Refusal[],
): Vdev | undefined {
  const own = row?.vdev;
  const taken = [...ports, ...guest.recorded, ...guest.directory, ...guest.live]
    .filter((nic) => !('portId' in nic) || nic.portId !== request.portId)
    .flatMap((nic) => nic.vdev ?? [])
    .filter((vdev) => vdev !== own);
  const wanted = request.vdev ?? own;
  if (wanted === undefined) {
    const vdev = allocateVdev(rules.firstVdev, taken);
    if (vdev === undefined)
      refusals.push(refusal(`${at}vdev`, 'no three free devices are left on the guest', 'delete a port first'));
    return vdev;
  }
  const overlapped = taken.find((vdev) => vdevsOverlap(vdev, wanted));
  if (overlapped === undefined) return wanted;
  const reason = `NIC ${wanted} takes three devices and overlaps NIC ${overlapped} of ${guest.userid}`;
  refusals.push(refusal(`${at}vdev`, reason, 'choose another vdev, or leave it out to have one chosen'));
  return undefined;
}

function chooseMac(
  request: PortRequest,
  row: RecordedPort | undefined,
  at: string,
  ports: readonly DesiredPort[],
  { guest, rules, macsInUse }: Surroundings,
  refusals: Refusal[],
): Mac | undefined {
  const wanted = request.mac ?? row?.mac;
  if (wanted === undefined) {
    const taken = new Set<string>([...macsInUse, ...ports].map((other) => other.mac));
    const mac = allocateMac(rules.macPrefix, request.portId, taken);
    if (mac === undefined)
      refusals.push(refusal(`${at}mac`, `no MAC address is left under ${rules.macPrefix}`, 'delete unused ports'));
    return mac;
  }
  if (macPrefix(wanted) !== rules.macPrefix) {
    const reason = `MAC ${wanted} does not begin with ${rules.macPrefix}, the USER prefix of ${rules.host}: z/VM would give the NIC another address`;
    refusals.push(refusal(`${at}mac`, reason, `use a MAC under ${rules.macPrefix}; in Neutron, set base_mac to it`));
    return undefined;
  }
  const ownVdev = request.vdev ?? row?.vdev;
  const isOwn = (other: MacInUse) =>
    row?.mac === wanted && (other.owner === guest.node || other.owner === guest.userid) && other.vdev === ownVdev;
  const owner =
    macsInUse.find((other) => other.mac === wanted && !isOwn(other))?.owner ??
    ports.find((port) => port.mac === wanted)?.portId;
  if (owner === undefined) return wanted;
  refusals.push(
    refusal(
      `${at}mac`,
      `MAC ${wanted} is taken by ${owner}`,
      'use another address, or leave it out to have one chosen',
    ),
  );
  return undefined;
}

function refuseConflicts(
  change: Change,
  ports: readonly DesiredPort[],
  before: readonly DesiredPort[],
  around: Surroundings,
): Refusal[] {
  const { guest, vswitches } = around;
  const conflictsBefore = new Set(conflictingVswitches(before, vswitches));
  const conflicts = conflictingVswitches(ports, vswitches)
    .filter((name) => !conflictsBefore.has(name))
    .map((name) => {
      const networks = ports
        .filter((port) => port.vswitch === name)
        .map((port) => `${port.portId}: ${describeNetwork(port.network)}`);
      const reason = `VSWITCH ${name} is user-based: all NICs of ${guest.userid} on it share one VLAN, but its ports ask for different ones (${networks.join('; ')})`;
      return refusal(
        networkField(change),
        reason,
        'use a port-based VSWITCH, a trunk port, or another VSWITCH for this port',
      );
    });
  if (change.kind !== 'changeVlan') return conflicts;
  const port = ports.find((candidate) => candidate.portId === change.portId);
  const foreign = foreignNics(guest, ports).find((nic) => nic.vswitch !== undefined && nic.vswitch === port?.vswitch);
  if (foreign === undefined) return conflicts;
  const reason = `NIC ${foreign.vdev} of ${guest.userid} on ${port?.vswitch} is not managed here and would change its VLAN too`;
  return [...conflicts, refusal('network', reason, 'move that NIC first, or use another VSWITCH')];
}

function networkField(change: Change): string {
  return change.kind === 'attachNic' ? 'ports' : 'network.segmentationId';
}

/** The way back: ports as they were recorded and as live as they were; what the change would add is removed. */
function backTo(before: readonly DesiredPort[], desired: Desired, { guest, vswitches }: Surroundings): Desired {
  const known = new Set(before.map((port) => port.portId));
  const rows = new Set(guest.recorded.map((row) => row.portId));
  const usedByOurs = new Set(guest.recorded.flatMap((row) => row.vswitch ?? []));
  const isLive = (vdev: Vdev) => guest.live.some((nic) => nic.vdev === vdev);
  return {
    ports: before.map((port) => ({ ...port, live: isLive(port.vdev) ? 'present' : 'absent' })),
    removed: desired.ports
      .filter((port) => !known.has(port.portId))
      .map(({ portId }) => ({ portId, keepRow: rows.has(portId) })),
    keepAuthorised: vswitches
      .filter((vswitch) => vswitch.authorisations.some((entry) => entry.userid === guest.userid))
      .map((vswitch) => vswitch.name)
      .filter((name) => !usedByOurs.has(name)),
  };
}

function nameAll(vswitches: readonly Vswitch[]): string {
  return vswitches.map((vswitch) => vswitch.name).join(', ') || 'none that are defined';
}
