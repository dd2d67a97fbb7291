import { z } from 'zod';
import { defined } from '../domain/defined.ts';
import { type NeutronPort, NORMAL, type Segment } from '../domain/host/neutron-port.ts';
import { Mac } from '../domain/port/mac.ts';
import { PortId } from '../domain/text/identifiers.ts';

// Unknown keys are ignored everywhere: releases add some (oslo's rule for minor versions).

function bindingOf(vifType: string | null | undefined): NeutronPort['binding'] {
  if (vifType === 'binding_failed') return 'failed';
  return (vifType ?? 'unbound') === 'unbound' ? 'none' : 'bound';
}

/** Neutron accepts addresses that no NIC of z/VM can have. Such a port must not make the others unreadable. */
const MacOfPort = z.string().transform((text) => Mac.safeParse(text).data);

/** A versioned object of oslo: name, version and data. */
function object<Data extends z.ZodType>(data: Data) {
  return z.object({ 'versioned_object.name': z.string(), 'versioned_object.data': data });
}

const SegmentData = z.object({
  network_type: z.string().nullish(),
  physical_network: z.string().nullish(),
  segmentation_id: z.number().nullish(),
});

const PortKeys = z.object({
  id: PortId,
  network_id: z.string(),
  mac_address: MacOfPort,
  admin_state_up: z.boolean(),
  device_id: z.string().nullish(),
  device_owner: z.string().nullish(),
  status: z.string().nullish(),
  revision_number: z.number().nullish(),
  qos_policy_id: z.string().nullish(),
  qos_network_policy_id: z.string().nullish(),
});

function policyOf(id: string | null | undefined): { qosPolicy?: string } {
  return id == null || id === '' ? {} : { qosPolicy: id };
}

function portOf(data: z.output<typeof PortKeys>): Omit<NeutronPort, 'host' | 'binding' | 'vnicType' | 'segment'> {
  return {
    portId: data.id,
    networkId: data.network_id,
    deviceId: data.device_id ?? '',
    deviceOwner: data.device_owner ?? '',
    ...defined({ mac: data.mac_address }),
    adminStateUp: data.admin_state_up,
    status: data.status ?? '',
    ...defined({ revision: data.revision_number ?? undefined }),
    ...policyOf(data.qos_policy_id ?? data.qos_network_policy_id),
  };
}

const PortData = PortKeys.extend({
  bindings: z
    .array(
      object(
        z.object({
          host: z.string().nullish(),
          vif_type: z.string().nullish(),
          vnic_type: z.string().nullish(),
          status: z.string().nullish(),
        }),
      ),
    )
    .nullish(),
  binding_levels: z
    .array(
      object(
        z.object({
          host: z.string().nullish(),
          level: z.number().nullish(),
          segment: object(SegmentData).nullish(),
        }),
      ),
    )
    .nullish(),
});

/** A Port object of `push` and `bulk_pull` (docs/reference/neutron.md 3.5; versions 1.4 and later have these keys). */
export const PortObject = object(PortData).transform(({ 'versioned_object.data': data }): NeutronPort => {
  const binding = (data.bindings ?? [])
    .map((each) => each['versioned_object.data'])
    // During a live migration the port has a second, INACTIVE binding of the target host.
    .find(({ status }) => (status ?? 'ACTIVE') === 'ACTIVE');
  const levels = (data.binding_levels ?? [])
    .map((each) => each['versioned_object.data'])
    .filter(({ host }) => host === binding?.host);
  const lowest = levels.toSorted((one, other) => (other.level ?? 0) - (one.level ?? 0))[0]?.segment;
  return {
    ...portOf(data),
    host: binding?.host ?? '',
    binding: bindingOf(binding?.vif_type),
    vnicType: binding?.vnic_type ?? NORMAL,
    ...defined({ segment: lowest == null ? undefined : segmentOf(lowest['versioned_object.data']) }),
  };
});

/** A Network object: its id and its segments. */
export const NetworkObject = object(
  z.object({
    id: z.string(),
    segments: z.array(object(SegmentData)).nullish(),
    qos_policy_id: z.string().nullish(),
  }),
).transform(
  ({ 'versioned_object.data': { id, segments, qos_policy_id } }): NeutronNetwork => ({
    id,
    ...policyOf(qos_policy_id),
    segments: (segments ?? []).map((each) => segmentOf(each['versioned_object.data'])),
  }),
);

/** A network with its segment on each physical network, and the QoS policy of ports that have none of their own. */
export type NeutronNetwork = { id: string; segments: Segment[]; qosPolicy?: string };

function segmentOf(data: z.output<typeof SegmentData>): Segment {
  return {
    networkType: data.network_type ?? '',
    physicalNetwork: data.physical_network ?? undefined,
    segmentationId: data.segmentation_id ?? undefined,
  };
}

/** A port of the REST API and of older messages, without its segment. */
export const PortDictionary = PortKeys.extend({
  'binding:host_id': z.string().nullish(),
  'binding:vif_type': z.string().nullish(),
  'binding:vnic_type': z.string().nullish(),
}).transform(
  (data): NeutronPort => ({
    ...portOf(data),
    host: data['binding:host_id'] ?? '',
    binding: bindingOf(data['binding:vif_type']),
    vnicType: data['binding:vnic_type'] ?? NORMAL,
  }),
);

/** A network of the REST API: one segment in `provider:` keys, or several in `segments`. */
export const NetworkDictionary = z
  .object({
    id: z.string(),
    'provider:network_type': z.string().nullish(),
    'provider:physical_network': z.string().nullish(),
    'provider:segmentation_id': z.number().nullish(),
    qos_policy_id: z.string().nullish(),
    segments: z
      .array(
        z.object({
          'provider:network_type': z.string().nullish(),
          'provider:physical_network': z.string().nullish(),
          'provider:segmentation_id': z.number().nullish(),
        }),
      )
      .nullish(),
  })
  .transform(
    ({ id, segments, qos_policy_id, ...single }): NeutronNetwork => ({
      id,
      ...policyOf(qos_policy_id),
      segments: (segments ?? (single['provider:network_type'] == null ? [] : [single])).map((each) => ({
        networkType: each['provider:network_type'] ?? '',
        physicalNetwork: each['provider:physical_network'] ?? undefined,
        segmentationId: each['provider:segmentation_id'] ?? undefined,
      })),
    }),
  );

/**
 * The answer of `get_devices_details_list_and_failed_devices`. Devices without `port_id` are not this host's
 * (docs/reference/neutron.md 3.2).
 */
export const DetailsList = z.object({
  devices: z.array(z.object({ device: z.string(), port_id: z.string().nullish() })),
  failed_devices: z.array(z.string()).nullish(),
});

/** The answer of `update_device_list`. */
export const UpdatedDevices = z.object({
  devices_up: z.array(z.string()).nullish(),
  failed_devices_up: z.array(z.string()).nullish(),
  devices_down: z.array(z.union([z.string(), z.object({ device: z.string() })])).nullish(),
  failed_devices_down: z.array(z.string()).nullish(),
});

/** The answer of `report_state`; null for a report that the server takes to be out of date. */
export const ReportAnswer = z.enum(['new', 'alive', 'revived']).nullable();
