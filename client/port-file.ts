import { CsvError, parse as parseCsv } from 'csv-parse/sync';
import { z } from 'zod';
import { HostName, PortId, Userid } from '../network/identifiers.ts';
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

/** The hosts of a file in Neutron's form; of any other file, none. */
export function neutronHostsIn(text: string): string[] {
  try {
    const { data } = NeutronDocument.safeParse(JSON.parse(withoutMark(text)));
    return [...new Set(data?.ports.map((port) => port['binding:host_id']))];
  } catch {
    return [];
  }
}

/** Windows begins files with a byte order mark, which JSON does not know. */
function withoutMark(text: string): string {
  return text.replace(/^\uFEFF/, '');
}

/** What is wrong with a network is wrong with its cell, whatever part of the network it is. */
const NetworkCell = z.string().transform((words, context) => {
  const parsed = NetworkWords.safeParse(words);
  if (parsed.success) return parsed.data;
  for (const { message } of parsed.error.issues) context.addIssue({ code: 'custom', message });
  return z.NEVER;
});
const AdminStateCell = z
  .string()
  .toLowerCase()
  .pipe(z.enum(['true', 'false', 'up', 'down']))
  .transform((word) => word === 'true' || word === 'up');

/** A line of CSV by its columns; empty cells are left out. */
const CsvPort = GuestPortRequest.omit({ network: true }).extend({
  segmentationId: NetworkCell.prefault(''),
  adminStateUp: AdminStateCell.prefault('up'),
});
const CSV_COLUMNS = Object.keys(CsvPort.shape);
const NEEDED_COLUMNS = ['userid', 'portId', 'vswitch'];
const CsvRequest = CsvPort.transform(
  ({ segmentationId: network, ...port }): GuestPortRequest => ({ ...port, network }),
);

/** An entry: where it stands, the port that it names, and its request when that is right. */
type Entry = { place: string; portId: string | undefined; request: GuestPortRequest | undefined };

/**
 * Read port requests from JSON (a list of requests, or the `networks` and `ports` of Neutron's REST API) or from CSV with a header (host,
 * userid, portId, vswitch, segmentationId, mac, vdev, adminStateUp, address, hostname; no segmentationId is flat, several joined by `+` are a
 * trunk). Throws a PortFileError with all that is wrong.
 */
export function readPortRequests(text: string, context: PortFileContext): GuestPortRequest[] {
  const problems: PortFileProblem[] = [];
  const content = withoutMark(text);
  const read = /^\s*[[{]/.test(content) ? fromJson : fromCsv;
  const entries = read(content, context, problems);
  problems.push(...repeated(entries));
  if (problems.length > 0) throw new PortFileError(problems);
  return entries.flatMap(({ request }) => request ?? []);
}

const PortNamed = z.object({ portId: PortId });

/** `told` are fields of which the mistake is told already. */
function entryOf(
  schema: z.ZodType<GuestPortRequest>,
  place: string,
  given: unknown,
  { defaultHost }: PortFileContext,
  problems: PortFileProblem[],
  told: readonly string[] = [],
): Entry {
  const value = withHost(given, defaultHost);
  return {
    place,
    portId: PortNamed.safeParse(value).data?.portId,
    request: checked(schema, place, value, problems, told),
  };
}

function withHost(request: unknown, defaultHost: string | undefined): unknown {
  if (typeof request !== 'object' || request === null || Array.isArray(request) || defaultHost === undefined)
    return request;
  return 'host' in request && request.host !== undefined ? request : { host: defaultHost, ...request };
}

function checked<Schema extends z.ZodType>(
  schema: Schema,
  place: string,
  value: unknown,
  problems: PortFileProblem[],
  told: readonly string[] = [],
): z.output<Schema> | undefined {
  const parsed = schema.safeParse(value, {
    error: ({ code, input }) => (code === 'invalid_type' && input === undefined ? 'is missing' : undefined),
  });
  if (parsed.success) return parsed.data;
  const issues = parsed.error.issues.filter(({ path }) => !told.includes(String(path[0])));
  problems.push(...issues.map(({ path, message }) => ({ place, field: path.join('.'), reason: message })));
  return undefined;
}

/** A port that stands in the file twice is a mistake: which one is meant? */
function repeated(entries: readonly Entry[]): PortFileProblem[] {
  const first = new Map<string, string>();
  return entries.flatMap(({ place, portId }) => {
    if (portId === undefined) return [];
    const before = first.get(portId);
    if (before !== undefined) return [{ place, field: 'portId', reason: `${portId} stands in ${before} already` }];
    first.set(portId, place);
    return [];
  });
}

function fromJson(text: string, context: PortFileContext, problems: PortFileProblem[]): Entry[] {
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch (error) {
    throw new PortFileError([{ place: 'the file', field: '', reason: `is no JSON: ${messageOf(error)}` }]);
  }
  if (Array.isArray(content))
    return content.map((request, index) => entryOf(GuestPortRequest, `entry ${index + 1}`, request, context, problems));
  const document = checked(NeutronDocument, 'the file', content, problems);
  return document === undefined ? [] : fromNeutron(document, context, problems);
}

function fromNeutron(
  { networks, ports }: z.infer<typeof NeutronDocument>,
  context: PortFileContext,
  problems: PortFileProblem[],
): Entry[] {
  const byId = new Map(networks.map((network) => [network.id, network]));
  return ports.map((port) => {
    const place = `port ${port.id}`;
    const host = port['binding:host_id'];
    const own = {
      host,
      userid: port.dns_name,
      portId: port.id,
      mac: port.mac_address,
      adminStateUp: port.admin_state_up,
    };
    const unknown = (field: string, reason: string): Entry => {
      problems.push({ place, field, reason });
      return entryOf(GuestPortRequest, place, own, context, problems, ['vswitch', 'network']);
    };
    const network = byId.get(port.network_id);
    if (network === undefined) return unknown('network_id', `network ${port.network_id} is not in the file`);
    const physicalNetwork = network['provider:physical_network'];
    const vswitch = context.vswitchOf(host, physicalNetwork);
    if (vswitch === undefined)
      return unknown('binding:host_id', `physical network ${physicalNetwork} has no VSWITCH on host ${host}`);
    const request = { ...own, vswitch, network: networkOf(network) };
    return entryOf(GuestPortRequest, place, request, context, problems);
  });
}

function networkOf(network: z.infer<typeof NeutronNetwork>) {
  if (network['provider:network_type'] === 'flat') return { type: 'flat' };
  return { type: 'vlan', segmentationId: network['provider:segmentation_id'] };
}

function fromCsv(text: string, context: PortFileContext, problems: PortFileProblem[]): Entry[] {
  const [header, ...lines] = csvLines(text);
  if (header === undefined) return [];
  const { place: first, fields: names } = header;
  if (names.length === 1)
    throw new PortFileError([
      { place: first, field: '', reason: 'has one column only: columns are separated by commas' },
    ]);
  const wrong = mistakesOfHeader(header, context);
  problems.push(...wrong);
  return lines.map(({ place, fields }) => {
    if (fields.length !== names.length)
      problems.push({ place, field: '', reason: `has ${fields.length} fields, the header has ${names.length}` });
    const told = [...wrong.map(({ field }) => field), ...names.slice(fields.length)];
    const cells = names.flatMap((name, index): [string, string][] => {
      const cell = fields[index] ?? '';
      return cell === '' || told.includes(name) ? [] : [[name, cell]];
    });
    return entryOf(CsvRequest, place, Object.fromEntries(cells), context, problems, told);
  });
}

/** What is wrong with the header is told once, not again with each line. */
function mistakesOfHeader({ place, fields }: CsvLine, { defaultHost }: PortFileContext): PortFileProblem[] {
  const names = new Set(fields);
  const needed = defaultHost === undefined ? ['host', ...NEEDED_COLUMNS] : NEEDED_COLUMNS;
  const twice = [...names].filter((name) => fields.indexOf(name) !== fields.lastIndexOf(name));
  const unknown = [...names].filter((name) => !CSV_COLUMNS.includes(name));
  const missing = needed.filter((name) => !names.has(name));
  const there = `is no column; there are ${CSV_COLUMNS.join(', ')}`;
  return [
    ...twice.map((name) => ({ place, field: name, reason: 'this column is named twice: which one is meant?' })),
    ...unknown.map((name) => ({ place, field: name, reason: name === '' ? 'a column has no name' : there })),
    ...missing.map((name) => ({ place, field: name, reason: 'this column is missing' })),
  ];
}

const CsvLine = z
  .object({ record: z.array(z.string()), info: z.object({ lines: z.number() }) })
  .transform(({ record, info }) => ({ place: `line ${info.lines}`, fields: record }));
type CsvLine = z.infer<typeof CsvLine>;

function csvLines(text: string): CsvLine[] {
  try {
    const parsed: unknown = parseCsv(text, {
      relax_column_count: true,
      skip_empty_lines: true,
      skip_records_with_empty_values: true,
      trim: true,
      info: true,
    });
    return z.array(CsvLine).parse(parsed);
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    throw new PortFileError([{ place: 'the file', field: '', reason: `is no CSV: ${error.message}` }]);
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
