import { pipeline } from 'node:stream/promises';
import { CsvError, parse as parseCsv } from 'csv-parse';
import { z } from 'zod';
import { PortRequest } from '../domain/operations/requests.ts';
import { messageOf } from '../domain/text/error-message.ts';
import { HostName, PortId, Userid } from '../domain/text/identifiers.ts';
import { NetworkWords } from '../domain/text/network-words.ts';
import { PortFileError, type PortFileProblem, Problems, unreadable } from './port-file-problems.ts';
import { repeatedKeys } from './repeated-keys.ts';

/** A port to wire: whose it is, and what it should be. */
export const GuestPortRequest = z.strictObject({ host: HostName, userid: Userid, ...PortRequest.shape });
export type GuestPortRequest = z.infer<typeof GuestPortRequest>;

/** Values that a file leaves to its reader. */
export type PortFileContext = {
  /** The host of entries that name none. */
  defaultHost?: string | undefined;
  /** The VSWITCH of a physical network on a host, for files in Neutron's form. */
  vswitchOf(host: string, physicalNetwork: string): string | undefined;
};

/** The part of a port in Neutron's REST API that matters here; the guest is the port's `dns_name`, its instance's host name. */
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

/** A file of ports that is being read: JSON as a whole, of a table its pieces as they come. */
export type PortFile = { form: 'json'; text: string } | { form: 'csv'; pieces: AsyncIterable<string> };

/** Windows begins files with a byte order mark, which JSON does not know. */
const MARK = /^\uFEFF/;

/** See in which form a file is. Throws what its pieces throw. */
export async function openPortFile(pieces: AsyncIterable<string>): Promise<PortFile> {
  const iterator = pieces[Symbol.asyncIterator]();
  let begin = '';
  let done: boolean | undefined = false;
  while (!done && begin.replace(MARK, '').trim() === '') {
    const next = await iterator.next();
    done = next.done;
    if (!next.done) begin += next.value;
  }
  begin = begin.replace(MARK, '');
  async function* all() {
    yield begin;
    for (let next = await iterator.next(); !next.done; next = await iterator.next()) yield next.value;
  }
  if (!/^\s*[[{]/.test(begin)) return { form: 'csv', pieces: all() };
  let text = '';
  for await (const piece of all()) text += piece;
  return { form: 'json', text };
}

/** The hosts of a file in Neutron's form; of any other file, none. */
export function neutronHostsIn(file: PortFile): string[] {
  if (file.form !== 'json' || !/^\s*\{/.test(file.text)) return [];
  try {
    const { data } = NeutronDocument.safeParse(JSON.parse(file.text));
    return [...new Set(data?.ports.map((port) => port['binding:host_id']))];
  } catch {
    return [];
  }
}

/** A mistake in any part of a network is a mistake in its cell. */
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

/** The requests and mistakes of a file. No more of an entry is kept, since there may be many. */
class Entries {
  readonly requests: GuestPortRequest[] = [];
  readonly problems = new Problems();
  readonly #repeated = new Problems();
  readonly #places = new Map<string, string>();
  readonly #context: PortFileContext;

  constructor(context: PortFileContext) {
    this.#context = context;
  }

  /** `told` are fields whose error is reported already. */
  add(schema: z.ZodType<GuestPortRequest>, place: string, given: unknown, told: readonly string[] = []): void {
    const value = withHost(given, this.#context.defaultHost);
    const portId = PortNamed.safeParse(value).data?.portId;
    if (portId !== undefined) this.#refuseRepeated(place, portId);
    const request = checked(schema, place, value, this.problems, told);
    if (request !== undefined && this.problems.count === 0) this.requests.push(request);
  }

  /** Throws a PortFileError when something is wrong. */
  all(): GuestPortRequest[] {
    this.problems.append(this.#repeated);
    if (this.problems.count > 0) throw new PortFileError(this.problems);
    return this.requests;
  }

  /** A port that occurs twice in the file is an error: its order is ambiguous. */
  #refuseRepeated(place: string, portId: string): void {
    const before = this.#places.get(portId);
    if (before === undefined) this.#places.set(portId, place);
    else this.#repeated.add({ place, field: 'portId', reason: `${portId} is a duplicate of the port in ${before}` });
  }
}

/**
 * Read port requests from JSON (a list of requests, or the `networks` and `ports` of Neutron's REST API) or from CSV with a header (host,
 * userid, portId, vswitch, segmentationId, mac, vdev, adminStateUp, address, hostname; no segmentationId is flat, several joined by `+` are a
 * trunk). Throws a PortFileError with what is wrong.
 */
export async function readPortFile(file: PortFile, context: PortFileContext): Promise<GuestPortRequest[]> {
  const entries = new Entries(context);
  if (file.form === 'json') fromJson(file.text, context, entries);
  else await fromCsv(file.pieces, context, entries);
  return entries.all();
}

const PortNamed = z.object({ portId: PortId });

function withHost(request: unknown, defaultHost: string | undefined): unknown {
  if (typeof request !== 'object' || request === null || Array.isArray(request) || defaultHost === undefined)
    return request;
  return 'host' in request && request.host !== undefined ? request : { host: defaultHost, ...request };
}

function checked<Schema extends z.ZodType>(
  schema: Schema,
  place: string,
  value: unknown,
  problems: Problems,
  told: readonly string[] = [],
): z.output<Schema> | undefined {
  const parsed = schema.safeParse(value, {
    error: ({ code, input }) => (code === 'invalid_type' && input === undefined ? 'is missing' : undefined),
  });
  if (parsed.success) return parsed.data;
  const issues = parsed.error.issues.filter(({ path }) => !told.includes(String(path[0])));
  problems.add(...issues.map(({ path, message }) => ({ place, field: path.join('.'), reason: message })));
  return undefined;
}

/** Most reported repeated keys. */
const MOST_REPEATED = 1_000;

function fromJson(text: string, context: PortFileContext, entries: Entries): void {
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch (error) {
    throw unreadable('the file', `is not JSON: ${messageOf(error)}`);
  }
  for (const { key, line } of repeatedKeys(text, MOST_REPEATED))
    entries.problems.add({
      place: `line ${line}`,
      field: key,
      reason: 'occurs twice in one object',
    });
  if (Array.isArray(content)) {
    for (const [index, request] of content.entries()) entries.add(GuestPortRequest, `entry ${index + 1}`, request);
    return;
  }
  const document = checked(NeutronDocument, 'the file', content, entries.problems);
  if (document !== undefined) fromNeutron(document, context, entries);
}

function fromNeutron(
  { networks, ports }: z.infer<typeof NeutronDocument>,
  context: PortFileContext,
  entries: Entries,
): void {
  const byId = new Map(networks.map((network) => [network.id, network]));
  for (const port of ports) {
    const place = `port ${port.id}`;
    const host = port['binding:host_id'];
    const own = {
      host,
      userid: port.dns_name,
      portId: port.id,
      mac: port.mac_address,
      adminStateUp: port.admin_state_up,
    };
    const unknown = (field: string, reason: string) => {
      entries.problems.add({ place, field, reason });
      entries.add(GuestPortRequest, place, own, ['vswitch', 'network']);
    };
    const network = byId.get(port.network_id);
    const physicalNetwork = network?.['provider:physical_network'] ?? '';
    const vswitch = context.vswitchOf(host, physicalNetwork);
    if (network === undefined) unknown('network_id', `network ${port.network_id} is not in the file`);
    else if (vswitch === undefined)
      unknown('binding:host_id', `physical network ${physicalNetwork} has no VSWITCH on host ${host}`);
    else entries.add(GuestPortRequest, place, { ...own, vswitch, network: networkOf(network) });
  }
}

function networkOf(network: z.infer<typeof NeutronNetwork>) {
  if (network['provider:network_type'] === 'flat') return { type: 'flat' };
  return { type: 'vlan', segmentationId: network['provider:segmentation_id'] };
}

async function fromCsv(pieces: AsyncIterable<string>, context: PortFileContext, entries: Entries): Promise<void> {
  let header: CsvLine | undefined;
  let wrong: PortFileProblem[] = [];
  for await (const line of csvLines(pieces)) {
    if (header === undefined) {
      header = line;
      if (line.fields.length === 1) throw unreadable(line.place, 'has only one column: separate columns by commas');
      wrong = mistakesOfHeader(line, context);
      entries.problems.add(...wrong);
    } else addLine(line, header.fields, wrong, entries);
  }
}

function addLine(
  { place, fields }: CsvLine,
  names: readonly string[],
  wrong: readonly PortFileProblem[],
  entries: Entries,
): void {
  if (fields.length !== names.length)
    entries.problems.add({ place, field: '', reason: `has ${fields.length} fields, the header has ${names.length}` });
  const told = [...wrong.map(({ field }) => field), ...names.slice(fields.length)];
  const cells = names.flatMap((name, index): [string, string][] => {
    const cell = fields[index] ?? '';
    return cell === '' || told.includes(name) ? [] : [[name, cell]];
  });
  entries.add(CsvRequest, place, Object.fromEntries(cells), told);
}

/** Mistakes of the header are reported once, not again with each line. */
function mistakesOfHeader({ place, fields }: CsvLine, { defaultHost }: PortFileContext): PortFileProblem[] {
  const names = new Set(fields);
  const needed = defaultHost === undefined ? ['host', ...NEEDED_COLUMNS] : NEEDED_COLUMNS;
  const twice = [...names].filter((name) => fields.indexOf(name) !== fields.lastIndexOf(name));
  const unknown = [...names].filter((name) => !CSV_COLUMNS.includes(name));
  const missing = needed.filter((name) => !names.has(name));
  const there = `is not a column: use ${CSV_COLUMNS.join(', ')}`;
  return [
    ...twice.map((name) => ({ place, field: name, reason: 'this column occurs twice' })),
    ...unknown.map((name) => ({ place, field: name, reason: name === '' ? 'a column has no name' : there })),
    ...missing.map((name) => ({ place, field: name, reason: 'this column is missing' })),
  ];
}

const CsvLine = z
  .object({ record: z.array(z.string()), info: z.object({ lines: z.number() }) })
  .transform(({ record, info }) => ({ place: `line ${info.lines}`, fields: record }));
type CsvLine = z.infer<typeof CsvLine>;

/** The lines of a table as they come, so that a large one is never held as a whole. */
async function* csvLines(pieces: AsyncIterable<string>): AsyncGenerator<CsvLine> {
  const parser = parseCsv({
    relax_column_count: true,
    skip_empty_lines: true,
    skip_records_with_empty_values: true,
    trim: true,
    info: true,
  });
  // The parser throws the errors of the pieces.
  pipeline(pieces, parser).catch(() => undefined);
  try {
    for await (const line of parser) yield CsvLine.parse(line);
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    throw unreadable('the file', `is not CSV: ${error.message}`);
  } finally {
    parser.destroy();
  }
}
