import type { Context } from '@temporalio/activity';
import type { ZvmBackend } from '../backend/backend.ts';
import type { ConfiguredRules } from '../domain/host/host.ts';
import type { NeutronPort } from '../domain/host/neutron-port.ts';
import type { MemberName } from '../domain/host/ssi-cluster.ts';
import type { CloudEvent } from '../domain/notifications/notification.ts';
import type { Policy } from '../domain/policy/policy.ts';
import type { PortId } from '../domain/text/identifiers.ts';
import type { ReadingBackend, WriteGate } from './write-gate.ts';

/** One host with its way to z/VM: what the activities of a worker work with. */
export type HostRuntime = {
  rules: ConfiguredRules;
  backend: ReadingBackend;
  /** The way to writes, which operators may close. */
  gate: WriteGate;
  /** The other way to the same z/VM, where one is configured: it is read and compared, and changed by a migration alone. */
  shadow?: ZvmBackend;
  /** The hosts of members of the SSI cluster that have a worker, by the server's names of the members. */
  memberHosts(client: Context['client'], members: readonly MemberName[]): Promise<string[]>;
  /** The policy of now, where one is configured. */
  policy(): Policy | undefined;
  /** Where it is configured. */
  neutron?: NeutronSource;
  /** The receivers of notifications by name. */
  webhooks?: ReadonlyMap<string, DeliverEvent>;
  /** The QoS policies that ports were last seen with: of each it is said once that it limits nothing. */
  qosPolicies: Map<PortId, string>;
};

/** Sends an event to one webhook. Throws NotDelivered. */
export type DeliverEvent = (event: CloudEvent, signal: AbortSignal) => Promise<void>;

/** Neutron as the activities see it. Its methods throw a NeutronError. */
export type NeutronSource = {
  /** All ports bound to a host, with their segments. Changes nothing in Neutron. */
  portsOfHost(host: string): Promise<NeutronPort[]>;
  /** Ports by id, wherever they are bound; deleted ones are not in the answer. Changes nothing in Neutron. */
  ports(portIds: readonly PortId[]): Promise<NeutronPort[]>;
  /** Have Neutron bind ports that it could not bind when they were created. */
  bind(host: string, portIds: readonly PortId[]): Promise<void>;
  /** Say which ports carry traffic and which do not; answers those that Neutron could not change. */
  report(
    host: string,
    statuses: { up: readonly PortId[]; down: readonly PortId[] },
    progress: () => void,
  ): Promise<{ failed: PortId[] }>;
};
