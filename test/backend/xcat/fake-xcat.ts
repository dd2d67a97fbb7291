import { spawnSync } from 'node:child_process';
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import { createTransport, type Transport, type TransportOptions } from '../../../backend/xcat/rest/transport.ts';

export type Seen = { method: string; url: string; headers: IncomingHttpHeaders; body: string };
export type Reply = {
  status?: number;
  body: string;
  headers?: Record<string, string>;
  hang?: boolean;
  drop?: boolean;
  /** The body comes again and again, without end. */
  endless?: boolean;
};

/** A small HTTP server that answers as told, and a transport to it. */
export async function fakeXcat(
  reply: (seen: Seen, index: number) => Reply | Promise<Reply>,
  options: Partial<TransportOptions> = {},
): Promise<{ transport: Transport; seen: Seen[]; url: string; close(): Promise<void> }> {
  const seen: Seen[] = [];
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += String(chunk);
    const call = { method: request.method ?? '', url: request.url ?? '', headers: request.headers, body };
    seen.push(call);
    const answer = await reply(call, seen.length - 1);
    if (answer.hang === true) return;
    if (answer.drop === true) {
      request.socket.destroy();
      return;
    }
    const type = { 'content-type': 'application/json; charset=ISO-8859-1' };
    response.writeHead(answer.status ?? 200, { ...type, ...answer.headers });
    if (answer.endless === true) sendWithoutEnd(response, answer.body);
    else response.end(answer.body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const url = `http://127.0.0.1:${address.port}`;
  const transport = createTransport({
    url,
    username: 'admin',
    password: 's3cr&t %41+',
    timeoutMs: 60_000,
    verifyTls: true,
    credentialsInQuery: false,
    ...options,
  });
  return {
    transport,
    seen,
    url,
    async close() {
      await transport.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function sendWithoutEnd(response: ServerResponse, text: string): void {
  const piece = text.repeat(Math.ceil(65_536 / text.length));
  const more = () => {
    while (!response.destroyed && response.write(piece));
    if (!response.destroyed) response.once('drain', more);
  };
  more();
}

/** The answer of xdsh to a script that a real shell runs here: prefixed lines in several chunks. */
export function runDsh(body: string, node: string): Reply {
  const [first = ''] = JSON.parse(body) as string[];
  const { stdout, status } = spawnSync('sh', ['-c', first.slice('command='.length)], { encoding: 'utf8' });
  const lines = stdout
    .replace(/\n$/, '')
    .split('\n')
    .map((line) => `${node}: ${line}`);
  const middle = Math.ceil(lines.length / 2);
  const chunks = [lines.slice(0, middle), lines.slice(middle)].filter((chunk) => chunk.length > 0);
  const data = [...chunks.map((chunk) => chunk.join('\n')), null];
  return { body: JSON.stringify({ data: [{ data }, { errorcode: [status === 0 ? '0' : '1'] }] }) };
}
