import { CsvError, parse as parseCsv } from 'csv-parse/sync';
import { z } from 'zod';
import { HostName, Userid } from '../network/identifiers.ts';
import { NetworkWords } from '../network/network-words.ts';
import { PortRequest } from '../network/requests.ts';

/** A port to wire: whose it is, and what it should be. */
export const GuestPortRequest = z.strictObject({ host: HostName, userid: Userid, ...PortRequest.shape });
export type GuestPortRequest = z.infer<typeof GuestPortRequest>;

/** One thing that is wrong with a file of ports. `place` is the entry as people find it: `line 7`, `entry 3`. */
export type PortFileProblem = { place: string; field: string; reason: string };

/** All that is wrong with a file of ports, at once. */
export class PortFileError extends Error {
  override readonly name = 'PortFileError';
  readonly problems: readonly PortFileProblem[];

  constructor(problems: readonly PortFileProblem[]) {
    super(
      problems.map(({ place, field, reason }) => `${place}: ${field === '' ? '' : `${field}: `}${reason}`).join('\n'),
    );
    this.problems = problems;
  }
}

/** What a file leaves to whoever reads it. */
export type PortFileContext = {
  /** The host of entries that name none. */
  defaultHost?: string | undefined;
  /** The VSWITCH of a physical network on a host, for files in Neutron's form. */
  vswitchOf(host: string, physicalNetwork: string): string | undefined;
};

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

const Cell = z.string().optional();
const CsvRow = z.strictObject({
  host: Cell,
  userid: z.string(),
  portId: z.string(),
  vswitch: z.string(),
  segmentationId: Cell,
  mac: Cell,
  vdev: Cell,
  adminStateUp: z.enum(['', 'true', 'false', 'up', 'down']).optional(),
  address: Cell,
  hostname: Cell,
});

/** An entry before it is checked, and where it stands. */
type Entry = { place: string; request: unknown };

/**
 * Read port requests from JSON (a list of requests, or the `networks` and `ports` of Neutron's REST API) or from CSV with a header (host,
 * userid, portId, vswitch, segmentationId, mac, vdev, adminStateUp, address, hostname; no segmentationId is flat, several joined by `+` are a
 * trunk). Throws a PortFileError with all that is wrong.
 */
export function readPortRequests(text: string, context: PortFileContext): GuestPortRequest[] {
  const problems: PortFileProblem[] = [];
  const entries = /^\s*[[{]/.test(text) ? fromJson(text, context, problems) : fromCsv(text, problems);
  const ports = entries.flatMap(({ place, request }) =>
    checked(GuestPortRequest, place, withHost(request, context), problems),
  );
  problems.push(...repeated(ports, entries));
  if (problems.length > 0) throw new PortFileError(problems);
  return ports;
}

function withHost(request: unknown, { defaultHost }: PortFileContext): unknown {
  if (typeof request !== 'object' || request === null || Array.isArray(request) || defaultHost === undefined)
    return request;
  return 'host' in request && request.host !== undefined ? request : { host: defaultHost, ...request };
}

function checked<Schema extends z.ZodType>(
  schema: Schema,
  place: string,
  value: unknown,
  problems: PortFileProblem[],
  field?: string,
): z.output<Schema>[] {
  const parsed = schema.safeParse(value);
  if (parsed.success) return [parsed.data];
  const { issues } = parsed.error;
  problems.push(...issues.map(({ path, message }) => ({ place, field: field ?? path.join('.'), reason: message })));
  return [];
}

/** A port that stands in the file twice is a mistake: which one is meant? */
function repeated(ports: readonly GuestPortRequest[], entries: readonly Entry[]): PortFileProblem[] {
  if (ports.length < entries.length) return [];
  const first = new Map<string, number>();
  return ports.flatMap(({ portId }, index) => {
    const before = first.get(portId);
    if (before === undefined) {
      first.set(portId, index);
      return [];
    }
    const place = entries[index]?.place ?? '';
    return [{ place, field: 'portId', reason: `${portId} stands in ${entries[before]?.place} already` }];
  });
}

function fromJson(text: string, context: PortFileContext, problems: PortFileProblem[]): Entry[] {
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch (error) {
    throw new PortFileError([{ place: 'the file', field: '', reason: `is no JSON: ${messageOf(error)}` }]);
  }
  if (Array.isArray(content)) return content.map((request, index) => ({ place: `entry ${index + 1}`, request }));
  const [document] = checked(NeutronDocument, 'the file', content, problems);
  return document === undefined ? [] : fromNeutron(document, context, problems);
}

function fromNeutron(
  { networks, ports }: z.infer<typeof NeutronDocument>,
  { vswitchOf }: PortFileContext,
  problems: PortFileProblem[],
): Entry[] {
  return ports.flatMap((port) => {
    const place = `port ${port.id}`;
    const host = port['binding:host_id'];
    const network = networks.find((candidate) => candidate.id === port.network_id);
    if (network === undefined) {
      problems.push({ place, field: 'network_id', reason: `network ${port.network_id} is not in the file` });
      return [];
    }
    const physicalNetwork = network['provider:physical_network'];
    const vswitch = vswitchOf(host, physicalNetwork);
    if (vswitch === undefined) {
      problems.push({
        place,
        field: 'binding:host_id',
        reason: `physical network ${physicalNetwork} has no VSWITCH on host ${host}`,
      });
      return [];
    }
    const segmentationId = network['provider:segmentation_id'];
    const request = {
      host,
      userid: port.dns_name,
      portId: port.id,
      vswitch,
      network: network['provider:network_type'] === 'flat' ? { type: 'flat' } : { type: 'vlan', segmentationId },
      mac: port.mac_address,
      adminStateUp: port.admin_state_up,
    };
    return [{ place, request }];
  });
}

function fromCsv(text: string, problems: PortFileProblem[]): Entry[] {
  return csvRecords(text).flatMap(({ place, record }): Entry[] => {
    const [row] = checked(CsvRow, place, record, problems);
    const [network] =
      row === undefined ? [] : checked(NetworkWords, place, row.segmentationId ?? '', problems, 'segmentationId');
    if (row === undefined || network === undefined) return [];
    const { segmentationId: _vlan, adminStateUp, ...cells } = row;
    const given = Object.entries(cells).filter(([, cell]) => cell !== undefined && cell !== '');
    const down = adminStateUp === 'false' || adminStateUp === 'down';
    return [{ place, request: { ...Object.fromEntries(given), network, ...(down ? { adminStateUp: false } : {}) } }];
  });
}

const CsvLine = z.object({ record: z.unknown(), info: z.object({ lines: z.number() }) });

function csvRecords(text: string): { place: string; record: unknown }[] {
  try {
    const parsed: unknown = parseCsv(text, {
      columns: true,
      skip_empty_lines: true,
      trim: true,
      bom: true,
      info: true,
    });
    return z
      .array(CsvLine)
      .parse(parsed)
      .map(({ record, info }) => ({ place: `line ${info.lines}`, record }));
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    throw new PortFileError([{ place: 'the file', field: '', reason: `is no CSV: ${error.message}` }]);
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
