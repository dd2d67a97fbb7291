import { formatted } from './formats.ts';
import type { ManagementNode } from './management-node.ts';
import { commandOf, isAllowed } from './policy.ts';
import type { Element } from './tables.ts';
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
export type RestAnswer = { status: number; text: string };

/** Resources and the methods the CGI knows for them (contract 1.2). */
const METHODS: Record<string, string[]> = {
  version: ['GET', 'PUT', 'POST', 'DELETE'],
  nodes: ['GET', 'PUT', 'POST', 'DELETE'],
  tables: ['GET', 'PUT'],
  vms: ['GET', 'PUT'],
  networks: ['PUT'],
};

/** Answers one request below /xcatws as the v1 CGI and xcatd do (contract 1). */
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
  let body: string[] = [];
  if ((method === 'PUT' || method === 'POST') && resource !== 'networks' && resource !== 'version') {
    const parsed = parseBody(request);
    if (parsed === null) return plain(500, '<html><body><h1>Internal Server Error</h1></body></html>');
    if (parsed.length === 0)
      return plain(
        400,
        resource === 'tables' ? 'No set attribute was supplied.' : 'No Field and Value map was supplied.',
      );
    body = parsed;
  }
  if (['nodes', 'vms', 'networks'].includes(resource) && name === undefined && method !== 'GET')
    return plain(400, 'Invalid nodes and/or groups in noderange');
  if (resource === 'nodes' && sub !== undefined && !(method === 'PUT' && sub === 'dsh'))
    return plain(400, 'Unspported operation on nodes object.');
  if (resource === 'networks' && name !== 'makehosts' && name !== 'makedns')
    return plain(400, 'No Field and Value map was supplied.');
  const denied = authenticate(mn, request);
  if (denied) return denied;
  const addressesNode = (resource === 'nodes' && method === 'PUT') || resource === 'vms';
  if (addressesNode && !mn.nodes.has(name ?? ''))
    return plain(403, `<p>Invalid nodes and/or groups in noderange: ${name}</p>`);
  const elements = await execute(mn, request, body);
  // since 2017 (contract 1.4)
  const data: Element[] = mn.settings.xcatdsource
    ? elements.map((each) => ({ ...each, xcatdsource: [mn.name] }))
    : elements;
  // contract 1.3: only where the first element says so
  const missing = /Could not find an object/.test(String(data[0]?.info));
  const text = formatted(format, data, resource === 'tables');
  return { status: missing ? 404 : method === 'POST' ? 201 : 200, text };
}

function plain(status: number, text: string): RestAnswer {
  return { status, text };
}

/** The query wins over the headers (contract 1.1). */
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

/** A form-encoded body never reaches the CGI's PUTDATA (contract 1.1); null when it is no array of strings. */
function parseBody({ body, headers }: RestRequest): string[] | null {
  if (String(headers['content-type'] ?? '').startsWith('application/x-www-form-urlencoded') || body === '') return [];
  try {
    const parsed: unknown = JSON.parse(body);
    return Array.isArray(parsed) && parsed.every((each) => typeof each === 'string') ? parsed : null;
  } catch {
    return null;
  }
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
