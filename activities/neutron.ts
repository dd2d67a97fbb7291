import type { HostRecord } from '../backend/reading.ts';
import { isAsWanted } from '../domain/drift/drift.ts';
import type { NeutronPort } from '../domain/host/neutron-port.ts';
import type { PortRequest } from '../domain/operations/requests.ts';
import { refusal } from '../domain/planning/refusal.ts';
import type { PortId, Userid } from '../domain/text/identifiers.ts';
import type { NeutronReading, UnlimitedPort } from '../workflows/host-activities.ts';
import { lacksDhcp } from './dhcp.ts';
import { refusedFailure } from './failures.ts';
import type { HostRuntime, NeutronSource } from './host-runtime.ts';
import {
  downStatusOf,
  isReported,
  type NeutronView,
  neutronHosts,
  type PortOfGuest,
  statusOf,
  unwiredOf,
  viewOf,
} from './neutron-view.ts';

/**
 * Look ports up that something was heard of, and see what they need here: those that are bound to the host, and recorded ones that are not any
 * more. Throws a NeutronError or a BackendError when either cannot be read.
 */
export async function readNeutron(
  host: HostRuntime,
  { portIds, networkIds }: { portIds: readonly PortId[]; networkIds: readonly string[] },
): Promise<NeutronReading> {
  const neutron = configured(host);
  const [named, record] = await Promise.all([
    namedPorts(host, neutron, portIds, networkIds),
    host.backend.readRecord(),
  ]);
  const hosts = neutronHosts(host.rules);
  const ports = named.filter((port) => hosts.includes(port.host));
  const view = viewOf(ports, record, host.rules);
  const stillHere = new Set(ports.map((port) => port.portId));
  const gone = portIds.filter((portId) => !stillHere.has(portId));
  return readingOf(host, view, record, new Set(gone));
}

async function namedPorts(
  host: HostRuntime,
  neutron: NeutronSource,
  portIds: readonly PortId[],
  networkIds: readonly string[],
) {
  const networks = new Set(networkIds);
  const [byId, ...ofHosts] = await Promise.all([
    neutron.ports(portIds),
    ...(networks.size === 0 ? [] : neutronHosts(host.rules).map((name) => neutron.portsOfHost(name))),
  ]);
  const onNetworks = ofHosts.flat().filter((port) => networks.has(port.networkId));
  return [...new Map([...byId, ...onNetworks].map((port) => [port.portId, port])).values()];
}

function readingOf(
  host: HostRuntime,
  view: NeutronView,
  record: HostRecord,
  gone: ReadonlySet<PortId>,
): NeutronReading {
  const settled = view.ofGuests.filter((each) => isSettled(each, record));
  const open = view.ofGuests.filter((each) => !settled.includes(each));
  const owners = new Map(view.ofGuests.map(({ port, userid }) => [port.portId, userid]));
  const removed = [...record.recorded].flatMap(([userid, rows]) =>
    rows
      .filter(({ portId }) => gone.has(portId) || (owners.get(portId) ?? userid) !== userid)
      .map(({ portId }) => ({ userid, portId })),
  );
  const userids = new Set<Userid>([...open, ...removed].map(({ userid }) => userid));
  const dhcp = view.services.length > 0 && lacksDhcp(host, record);
  const services = view.services.map((port) => statusOf(port)).filter((status) => !isReported(status));
  return {
    guests: [...userids].map((userid) => ({
      userid,
      ports: open.filter((each) => each.userid === userid).map(requestOf),
      removed: removed.filter((each) => each.userid === userid).map((each) => each.portId),
    })),
    statuses: [
      ...unwiredOf(view)
        .map(downStatusOf)
        .filter((status) => !isReported(status)),
      ...(dhcp ? [] : services),
    ],
    after: [...open.map(({ port, userid }) => statusOf(port, userid)), ...(dhcp ? services : [])],
    unusable: view.unusable.map(({ port, reason }) => ({ portId: port.portId, reason })),
    waiting: view.waiting.map((port) => port.portId),
    dhcp,
    unlimited: newlyUnlimited(host, view, settled),
  };
}

/** Ports that Neutron has as they are, with a QoS policy that they had not when they were last seen. Of others it is said when they are reported up. */
function newlyUnlimited(
  { qosPolicies }: HostRuntime,
  { ofGuests }: NeutronView,
  settled: readonly PortOfGuest[],
): UnlimitedPort[] {
  const isNew = ({ portId, qosPolicy }: NeutronPort) => qosPolicies.get(portId) !== qosPolicy;
  const unlimited = settled.flatMap(({ port }) =>
    port.qosPolicy !== undefined && port.status === 'ACTIVE' && isNew(port)
      ? [{ portId: port.portId, qosPolicy: port.qosPolicy }]
      : [],
  );
  for (const { port } of ofGuests) {
    if (port.qosPolicy === undefined) qosPolicies.delete(port.portId);
    else qosPolicies.set(port.portId, port.qosPolicy);
  }
  return unlimited;
}

/** Recorded as Neutron wants it, and Neutron has been told: whether z/VM is so too is reconciliation's affair. */
function isSettled({ port, userid, wanted }: PortOfGuest, record: HostRecord): boolean {
  const row = record.recorded.get(userid)?.find((candidate) => candidate.portId === port.portId);
  return row !== undefined && isAsWanted(row, wanted) && isReported(statusOf(port));
}

function requestOf({ port, wanted }: PortOfGuest): PortRequest {
  return { portId: port.portId, ...wanted };
}

/** Report ports to Neutron. Throws a NeutronError. */
export async function reportPorts(
  host: HostRuntime,
  { neutronHost, up, down }: { neutronHost: string; up: PortId[]; down: PortId[] },
  signal: AbortSignal,
): Promise<{ failed: PortId[] }> {
  return configured(host).report(neutronHost, { up, down }, () => signal.throwIfAborted());
}

function configured({ neutron, rules }: HostRuntime): NeutronSource {
  if (neutron !== undefined) return neutron;
  const reason = `${rules.host} is not configured for Neutron`;
  throw refusedFailure([refusal('host', reason, 'give transport_url, as in neutron.conf')]);
}
