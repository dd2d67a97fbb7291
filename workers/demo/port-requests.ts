import { parse as parseCsv } from 'csv-parse/sync';
import { z } from 'zod';
import type { HostConfiguration } from '../../configuration/configuration.ts';
import { HostName, Userid } from '../../network/identifiers.ts';
import { PortRequest } from '../../network/requests.ts';

/** A port to wire: whose it is, and what it should be. */
export const GuestPortRequest = z.strictObject({ host: HostName, userid: Userid, ...PortRequest.shape });
export type GuestPortRequest = z.infer<typeof GuestPortRequest>;

/** What Neutron's REST API says of a port, as far as it matters here; the guest is the port's `dns_name`, its instance's host name. */
const NeutronPort = z.object({
  id: z.string(),
  network_id: z.string(),
  mac_address: z.string(),
  admin_state_up: z.boolean(),
  dns_name: z.string(),
  'binding:host_id': z.string(),
});
const NeutronNetwork = z.object({
  id: z.string(),
  'provider:network_type': z.enum(['flat', 'vlan']),
  'provider:physical_network': z.string(),
  'provider:segmentation_id': z.number().nullable(),
});
const NeutronDocument = z.object({ networks: z.array(NeutronNetwork), ports: z.array(NeutronPort) });

const CsvRow = z.object({
  host: z.string(),
  userid: z.string(),
  portId: z.string(),
  vswitch: z.string(),
  segmentationId: z.string().optional(),
  mac: z.string().optional(),
  vdev: z.string().optional(),
});

/**
 * Read port requests from JSON (a list of requests, or the `networks` and `ports` of Neutron's REST API) or from CSV with a header
 * (host, userid, portId, vswitch, segmentationId, mac, vdev; no segmentationId is flat). Throws a ZodError that names entry and field.
 */
export function readPortRequests(text: string, hosts: readonly HostConfiguration[]): GuestPortRequest[] {
  if (!/^\s*[[{]/.test(text)) return fromCsv(text);
  const content: unknown = JSON.parse(text);
  return Array.isArray(content)
    ? z.array(GuestPortRequest).parse(content)
    : fromNeutron(NeutronDocument.parse(content), hosts);
}

function fromNeutron(
  { networks, ports }: z.infer<typeof NeutronDocument>,
  hosts: readonly HostConfiguration[],
): GuestPortRequest[] {
  return ports.map((port) => {
    const network = networks.find((candidate) => candidate.id === port.network_id);
    const host = hosts.find((candidate) => candidate.host === port['binding:host_id']);
    const physicalNetwork = network?.['provider:physical_network'];
    const vswitch = host?.physicalNetworks.find((candidate) => candidate.name === physicalNetwork)?.vswitch;
    if (network === undefined) throw new Error(`port ${port.id}: its network ${port.network_id} is not in the file`);
    if (vswitch === undefined) {
      throw new Error(
        `port ${port.id}: physical network ${physicalNetwork} has no VSWITCH on host ${port['binding:host_id']}`,
      );
    }
    const segmentationId = network['provider:segmentation_id'];
    return GuestPortRequest.parse({
      host: port['binding:host_id'],
      userid: port.dns_name,
      portId: port.id,
      vswitch,
      network: network['provider:network_type'] === 'flat' ? { type: 'flat' } : { type: 'vlan', segmentationId },
      mac: port.mac_address,
      adminStateUp: port.admin_state_up,
    });
  });
}

function fromCsv(text: string): GuestPortRequest[] {
  const rows = z.array(CsvRow).parse(parseCsv(text, { columns: true, skip_empty_lines: true, trim: true }));
  return rows.map(({ segmentationId, mac, vdev, ...row }) =>
    GuestPortRequest.parse({
      ...row,
      network: segmentationId ? { type: 'vlan', segmentationId: Number(segmentationId) } : { type: 'flat' },
      ...(mac ? { mac } : {}),
      ...(vdev ? { vdev } : {}),
    }),
  );
}

/** `count` requests for the embedded hosts: every guest gets a flat port and VLAN ports on the others, until there are enough. */
export function examplePortRequests(
  count: number,
  hosts: readonly HostConfiguration[],
  guestsPerHost: number,
): GuestPortRequest[] {
  const requests: GuestPortRequest[] = [];
  for (let round = 0; requests.length < count; round += 1) {
    for (let guest = 1; guest <= guestsPerHost && requests.length < count; guest += 1) {
      for (const [index, host] of hosts.entries()) {
        if (requests.length >= count) break;
        requests.push(example(host.host, index + 1, guest, round));
      }
    }
  }
  return requests;
}

function example(host: string, hostNumber: number, guest: number, round: number): GuestPortRequest {
  const flat = round === 0;
  const number = (hostNumber * 10_000 + guest) * 1_000 + round;
  return GuestPortRequest.parse({
    host,
    userid: `LNX${hostNumber}${String(guest).padStart(4, '0')}`,
    portId: `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`,
    vswitch: flat ? 'VSWFLAT' : round % 2 === 1 ? 'VSW1' : 'VSW2',
    network: flat ? { type: 'flat' } : { type: 'vlan', segmentationId: 1_000 + guest },
  });
}
