import { z } from 'zod';
import { PortId } from '../domain/text/identifiers.ts';
import type { Incoming } from './envelope.ts';
import { PortObject } from './messages.ts';

/** The content of a message that the agent needs. The agent looks up the rest, since messages may be late. */
export type NeutronEvent =
  | { kind: 'port'; portId: PortId; networkId: string; host: string; filtered: boolean }
  | { kind: 'portDeleted'; portId: PortId }
  | { kind: 'bindingMoved'; portId: PortId; host: string; active: boolean }
  | { kind: 'network'; networkId: string };

const NOTIFIER = 'q-agent-notifier';

// The topic's name holds the object version that the server pushes. Listening to versions that no server sends costs nothing.
const PORT_VERSIONS = versions(4, 20);
const NETWORK_VERSIONS = versions(0, 9);

/** The topics of an agent, for Neutron since 2016 (contract neutron.md 3.4 and 3.5). */
export const TOPICS: readonly string[] = [
  `${NOTIFIER}-port-update`,
  `${NOTIFIER}-port-delete`,
  `${NOTIFIER}-network-delete`,
  `${NOTIFIER}-port_binding-activate`,
  `${NOTIFIER}-port_binding-deactivate`,
  ...PORT_VERSIONS.map((version) => `neutron-vo-Port-${version}`),
  ...NETWORK_VERSIONS.map((version) => `neutron-vo-Network-${version}`),
];

function versions(first: number, last: number): string[] {
  return Array.from({ length: last - first + 1 }, (_, index) => `1.${first + index}`);
}

/** Details for the program that plugs the port; `port_filter` says that the agent enforces security groups on it. */
const VifDetails = z.looseObject({ port_filter: z.boolean().nullish() });
const PortUpdate = z.object({
  port: z.object({
    id: PortId,
    network_id: z.string(),
    'binding:host_id': z.string().nullish(),
    'binding:vif_details': VifDetails.nullish().catch(undefined),
  }),
});
/** Versioned objects hold the details as JSON in a string. */
const PushedDetails = z.object({
  'versioned_object.data': z.object({
    bindings: z.array(z.object({ 'versioned_object.data': z.object({ vif_details: z.string().nullish() }) })).nullish(),
  }),
});
const PortDelete = z.object({ port_id: PortId });
const NetworkDelete = z.object({ network_id: z.string() });
const BindingMoved = z.object({ port_id: PortId, host: z.string() });
const Push = z.object({
  event_type: z.string(),
  resource_list: z.array(
    z.looseObject({
      'versioned_object.name': z.string(),
      'versioned_object.data': z.looseObject({ id: z.string() }),
    }),
  ),
});

/**
 * The events of a message; none for an unknown or irrelevant message, and none for another major version, whose names may have another meaning.
 * Fields that newer minor versions add are ignored.
 */
export function eventsOf({ method, version, args }: Incoming): NeutronEvent[] {
  if (!version.startsWith('1.')) return [];
  switch (method) {
    case 'port_update':
      return read(PortUpdate, args, ({ port }) => [
        {
          kind: 'port',
          portId: port.id,
          networkId: port.network_id,
          host: port['binding:host_id'] ?? '',
          filtered: port['binding:vif_details']?.port_filter === true,
        },
      ]);
    case 'port_delete':
      return read(PortDelete, args, ({ port_id: portId }) => [{ kind: 'portDeleted', portId }]);
    case 'network_delete':
      return read(NetworkDelete, args, ({ network_id: networkId }) => [{ kind: 'network', networkId }]);
    case 'binding_activate':
    case 'binding_deactivate':
      return read(BindingMoved, args, ({ port_id: portId, host }) => [
        { kind: 'bindingMoved', portId, host, active: method === 'binding_activate' },
      ]);
    case 'push':
      return read(Push, args, ({ event_type, resource_list }) =>
        resource_list.flatMap((resource) => pushed(event_type, resource)),
      );
    default:
      return [];
  }
}

function pushed(eventType: string, resource: z.output<typeof Push>['resource_list'][number]): NeutronEvent[] {
  const { id } = resource['versioned_object.data'];
  const deleted = eventType === 'deleted';
  switch (resource['versioned_object.name']) {
    case 'Port':
      if (deleted) return read(z.object({ id: PortId }), { id }, (gone) => [{ kind: 'portDeleted', portId: gone.id }]);
      return read(PortObject, resource, ({ portId, networkId, host }) => [
        { kind: 'port', portId, networkId, host, filtered: isFiltered(resource) },
      ]);
    case 'Network':
      return [{ kind: 'network', networkId: id }];
    default:
      return [];
  }
}

function isFiltered(resource: unknown): boolean {
  const bindings = PushedDetails.safeParse(resource).data?.['versioned_object.data'].bindings ?? [];
  return bindings.some(({ 'versioned_object.data': { vif_details } }) => {
    try {
      return VifDetails.safeParse(JSON.parse(vif_details ?? '{}')).data?.port_filter === true;
    } catch {
      return false;
    }
  });
}

function read<Output>(
  schema: z.ZodType<Output>,
  value: unknown,
  then: (output: Output) => NeutronEvent[],
): NeutronEvent[] {
  const result = schema.safeParse(value);
  return result.success ? then(result.data) : [];
}
