import type { ManagementNode } from '../xcat/management-node.ts';
import type { Element } from '../xcat/tables.ts';
import { formatted } from './formats.ts';
import { commandOf, isAllowed } from './policy.ts';
import { chvm, lsvm } from './vms.ts';
import { xdsh } from './xdsh.ts';

export type RestRequest = {
  method: string;
  /** path elements after /xcatws */
  path: string[];
  query: URLSearchParams;
  headers: Record<string, string | string[] | undefined>;
  body: string;
};
/** `type` where it is not that of the format */
export type RestAnswer = { status: number; text: string; type?: string };

/** Resources and the methods the CGI knows for them (docs/reference/xcat.md 1.2). */
const METHODS: Record<string, string[]> = {
  version: ['GET', 'PUT', 'POST', 'DELETE'],
  nodes: ['GET', 'PUT', 'POST', 'DELETE'],
  tables: ['GET', 'PUT'],
  vms: ['GET', 'PUT'],
  networks: ['PUT'],
};

/** Answers one request below /xcatws as the v1 CGI and xcatd do (docs/reference/xcat.md 1). */
export async function answerRest(mn: ManagementNode, request: RestRequest): Promise<RestAnswer> {
  const { method, path, query } = request;
  const [resource = '', name, sub] = path;
  const format = query.get('format') ?? 'html';
  if (!['json', 'xml', 'html'].includes(format)) return plain(400, `The format '${format}' is not valid`);
  if (resource === '') return plain(200, '<p>xCAT web service</p>');
  const methods = Object.hasOwn(METHODS, resource) ? METHODS[resource] : undefined;
  if (!methods) return plain(404, `Resource '${resource}' does not exist`);
  if (!methods.includes(method))
    return plain(405, `request method '${method}' is not supported on resource '${resource}'`);
  if (['nodes', 'vms', 'networks'].includes(resource) && name === undefined && (method !== 'GET' || resource === 'vms'))
    return plain(400, 'Invalid nodes and/or groups in noderange');
  const body = resource === 'networks' || resource === 'version' ? [] : takeBody(request);
  if (!Array.isArray(body)) return body;
  if (resource === 'nodes' && sub !== undefined && !(method === 'PUT' && sub === 'dsh'))
    return plain(400, 'Unspported operation on nodes object.');
  if (resource === 'networks' && name !== 'makehosts' && name !== 'makedns')
    return plain(400, 'No Field and Value map was supplied.');
  const denied = authenticate(mn, request);
  if (denied) return denied;
  const addressesNode = (resource === 'nodes' && method === 'PUT') || resource === 'vms';
  if (addressesNode && !mn.nodes.has(name ?? ''))
    return plain(403, `<p>Invalid nodes and/or groups in noderange: ${name}</p>`);
  if (!isSayable([...path, ...body, ...query.values()])) return plain(503, ENDED_EARLY);
  const elements = await execute(mn, request, body.map(asXmlHasIt));
  // since 2017 (docs/reference/xcat.md 1.4)
  const data: Element[] = mn.settings.xcatdsource
    ? elements.map((each) => ({ ...each, xcatdsource: [mn.name] }))
    : elements;
  // only where the first element says so (docs/reference/xcat.md 1.3)
  const missing = /Could not find an object/.test(String(data[0]?.info));
  const text = formatted(format, data, resource === 'tables');
  return { status: missing ? 404 : method === 'POST' ? 201 : 200, text };
}

function plain(status: number, text: string): RestAnswer {
  return { status, text };
}

/** The query wins over the headers (docs/reference/xcat.md 1.1). */
function authenticate(mn: ManagementNode, { method, path, query, headers }: RestRequest): RestAnswer | null {
  const username = query.get('userName') ?? headers.username;
  const password = query.get('password') ?? headers.password;
  if (typeof username !== 'string' || typeof password !== 'string' || username === '')
    return plain(401, '<p>Permission denied for request</p>');
  const known = mn.tables
    .list('passwd')
    .some((row) => row.key === 'xcat' && row.username === username && row.password === password);
  if (!known) return plain(401, '<p>Authentication failure</p>');
  const allowed = isAllowed(mn.tables, username, commandOf(method, path, query));
  return allowed ? null : plain(401, '<p>Permission denied for request</p>');
}

/**
 * Apache's answer for a CGI program that died (docs/reference/xcat.md 5); Perl dies at a body that is no JSON, and at one that is no array.
 */
const SERVER_ERROR: RestAnswer = {
  status: 500,
  type: 'text/html; charset=iso-8859-1',
  text: '<!DOCTYPE HTML PUBLIC "-//IETF//DTD HTML 2.0//EN">\n<html><head>\n<title>500 Internal Server Error</title>\n</head><body>\n<h1>Internal Server Error</h1>\n</body></html>\n',
};

/**
 * The strings of a body, or the answer to one that the CGI does not take: which it is depends on the resource (docs/reference/xcat.md 5).
 */
function takeBody({ method, path, body, headers }: RestRequest): string[] | RestAnswer {
  const [resource = ''] = path;
  if (method !== 'PUT' && method !== 'POST') return [];
  // a form-encoded body never reaches the CGI's PUTDATA (docs/reference/xcat.md 1.1)
  const isForm = String(headers['content-type'] ?? '').startsWith('application/x-www-form-urlencoded');
  if (isForm || body === '') {
    if (resource === 'tables') return SERVER_ERROR;
    if (resource === 'vms') return plain(400, 'No Field and Value map was supplied.');
    return method === 'PUT' ? plain(400, 'No set attribute was supplied.') : [];
  }
  const parsed = parseStrings(body);
  if (parsed === null) return SERVER_ERROR;
  if (parsed.length > 0 || resource === 'nodes') return parsed;
  return plain(400, resource === 'tables' ? 'No set attribute was supplied.' : 'No Field and Value map was supplied.');
}

function parseStrings(body: string): string[] | null {
  try {
    const parsed: unknown = JSON.parse(body);
    return Array.isArray(parsed) && parsed.every((each) => typeof each === 'string') ? parsed : null;
  } catch {
    return null;
  }
}

const ENDED_EARLY = 'ERROR/WARNING: communication with the xCAT server seems to have been ended prematurely';

/** The request goes to xcatd as XML, which has no control characters: xcatd then hangs up (docs/reference/xcat.md 5). */
function isSayable(texts: readonly string[]): boolean {
  return !texts.some((text) => [...text].some((character) => character < ' ' && !'\t\n\r'.includes(character)));
}

/** XML has one kind of line end. */
function asXmlHasIt(text: string): string {
  return text.replaceAll(/\r\n?/g, '\n');
}

async function execute(mn: ManagementNode, request: RestRequest, body: string[]): Promise<Element[]> {
  const { method, query, path } = request;
  const [resource, name, sub] = path;
  switch (resource) {
    case 'version':
      return [{ data: ['Version 2.8.3.16 (built Mon Apr 27 10:50:11 EDT 2015)'] }];
    case 'tables':
      if (method === 'PUT') return mn.tables.change(body.flatMap((entry) => entry.split(' ')));
      if (name === undefined) return [{ data: mn.tables.names() }];
      if (!query.has('col') && !query.has('attribute')) return mn.tables.dump(name);
      return mn.tables.get(name, query.get('col') ?? '', query.get('value') ?? '', query.getAll('attribute'));
    case 'vms':
      return method === 'PUT' ? chvm(mn, name ?? '', body) : lsvm(mn, name ?? '', query);
    case 'networks':
      return name === 'makehosts' ? mn.makehosts([]) : mn.makedns();
    default:
      return sub === 'dsh' ? xdsh(mn, name ?? '', body) : nodes(mn, method, name, body);
  }
}

function nodes(mn: ManagementNode, method: string, name: string | undefined, body: string[]): Element[] {
  if (name === undefined) return [{ info: [...mn.nodes.keys()] }];
  if (method === 'PUT') return mn.tables.change([`node=${name}`, ...body.flatMap((entry) => entry.split(' '))]);
  if (method === 'POST') {
    mn.define(name, Object.fromEntries(body.map((each) => splitOnce(each))));
    return [{ info: ['1 object definitions have been created or modified.'] }];
  }
  const definition = mn.nodes.get(name);
  if (!definition)
    return [{ error: [`Error: Could not find an object named '${name}' of type 'node'.`], errorcode: ['1'] }];
  if (method === 'DELETE') {
    mn.nodes.delete(name);
    for (const table of ['nodelist', 'zvm']) mn.tables.remove(table, (row) => row.get('node') === name);
    return [{ info: ['1 object definitions have been removed.'] }];
  }
  const lines = [...definition].sort().map(([key, value]) => `    ${key}=${value}`);
  return [{ info: [`Object name: ${name}`, ...lines] }];
}

function splitOnce(entry: string): [string, string] {
  const at = entry.indexOf('=');
  return at < 0 ? [entry, ''] : [entry.slice(0, at), entry.slice(at + 1)];
}
