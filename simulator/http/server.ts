import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { answerControl, type Inside } from '../control/api.ts';
import { nodeOfCommand, runOnNode } from '../control/command.ts';
import { sleep } from '../flow.ts';
import { answerRest } from '../rest/resources.ts';
import type { Certificate } from './certificate.ts';
import { drawLatency } from './latency.ts';

export type Front = Inside & { random: () => number };

/** The HTTP side: /xcatws with its faults and /simulator without; over TLS when there is a certificate. */
export function makeServer(front: Front, certificate?: Certificate): Server {
  const listener: RequestListener = (request, response) => {
    handle(front, request, response).catch((error: unknown) => {
      process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
      send(response, 500, 'text/html', 'Internal Server Error');
    });
  };
  return certificate === undefined ? createServer(listener) : createTlsServer(certificate, listener);
}

async function handle(front: Front, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const started = performance.now();
  const url = new URL(request.url ?? '/', 'http://simulator');
  const body = await readAll(request);
  const method = request.method ?? 'GET';
  const node = method === 'POST' ? nodeOfCommand(url.pathname) : undefined;
  if (node !== undefined) {
    const { status, text, headers } = await runOnNode(front.mn, node, body);
    return send(response, status, 'text/plain', text, headers);
  }
  if (url.pathname.startsWith('/simulator')) {
    const answer = answerControl(front, method, url, body);
    return send(response, answer.status, 'application/json', JSON.stringify(answer.body));
  }
  const path = url.pathname.split('/').slice(1).filter(Boolean).map(decodeURIComponent);
  if (path[0] !== 'xcatws') return send(response, 404, 'text/html', 'Not Found');
  front.events.counters.httpCalls++;
  const latencyMs = drawLatency(front.mn.settings.latency, front.random);
  if (latencyMs > 0) await sleep(latencyMs);
  const fault = front.faults.http(method, url.pathname, decodedBody(body));
  const kind = fault?.action.kind;
  const note = (status: number | null) => {
    const ms = Math.round(performance.now() - started);
    front.events.record('http', { method, path: url.pathname, ms, status, ...(kind ? { fault: kind } : {}) });
  };
  const when = fault && 'when' in fault.action ? fault.action.when : null;
  if (fault?.action.kind === 'delay') await sleep(fault.action.ms);
  if (kind === 'hold' && when === 'before') await fault?.hold();
  if (kind === 'drop' && when === 'before') {
    note(null);
    response.destroy();
    return;
  }
  if (fault?.action.kind === 'status') {
    note(fault.action.status);
    return send(
      response,
      fault.action.status,
      jsonType(),
      fault.action.text ?? 'Connection failurexx: IO::Socket::SSL: connect: Connection refused',
      fault.action.headers,
    );
  }
  const request_ = { method, path: path.slice(1), query: url.searchParams, headers: request.headers, body };
  const answer = await answerRest(front.mn, request_);
  if (kind === 'hold' && when === 'after') await fault?.hold();
  note(answer.status);
  if (kind === 'drop') {
    response.destroy();
    return;
  }
  if (kind === 'garbage') return send(response, answer.status, jsonType(), '<html><body>garbage');
  const text = kind === 'truncate' ? answer.text.slice(0, Math.floor(answer.text.length / 2)) : answer.text;
  send(response, answer.status, answer.type ?? jsonType(url.searchParams.get('format') ?? 'html'), text);
}

/** Also on errors (docs/reference/xcat.md 1.3). */
function jsonType(format = 'json'): string {
  const types: Record<string, string> = { json: 'application/json', xml: 'text/xml' };
  return `${types[format] ?? 'text/html'}; charset=ISO-8859-1`;
}

function send(response: ServerResponse, status: number, type: string, text: string, headers = {}): void {
  if (response.destroyed || response.headersSent) return;
  const bytes = Buffer.from(text, type.includes('ISO-8859-1') ? 'latin1' : 'utf8');
  response.writeHead(status, { 'content-type': type, 'content-length': bytes.length, ...headers });
  response.end(bytes);
}

async function readAll(request: IncomingMessage): Promise<string> {
  const pieces: Buffer[] = [];
  for await (const piece of request) pieces.push(Buffer.from(piece));
  return Buffer.concat(pieces).toString('utf8');
}

function decodedBody(body: string): string {
  try {
    const parsed: unknown = JSON.parse(body);
    return Array.isArray(parsed) ? parsed.join('\n') : body;
  } catch {
    return body;
  }
}
