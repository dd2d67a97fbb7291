import { createHmac, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer as createHttpServer, type IncomingHttpHeaders, type RequestListener } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { CloudEvent } from '../../domain/notifications/notification.ts';

export type Received = { headers: IncomingHttpHeaders; body: string; event: CloudEvent };

/** A receiver of webhooks. It answers with the statuses that it is given, in order, then 204. */
export type Receiver = {
  url: string;
  secret: string;
  received: Received[];
  /** Answer the next requests so. `never` leaves one without an answer. */
  answerNext(...statuses: (number | 'never')[]): void;
  /** The event of each delivery that was answered 204, in order. */
  taken(): CloudEvent[];
  close(): Promise<void>;
};

export async function startReceiver(tls?: { cert: string; key: string }): Promise<Receiver> {
  const received: Received[] = [];
  const taken: CloudEvent[] = [];
  const statuses: (number | 'never')[] = [];
  const take: RequestListener = (request, response) => {
    let body = '';
    request.on('data', (chunk) => (body += String(chunk)));
    request.on('end', () => {
      const event = CloudEvent.parse(JSON.parse(body));
      received.push({ headers: request.headers, body, event });
      const status = statuses.shift() ?? 204;
      if (status === 'never') return;
      if (status === 204) taken.push(event);
      response.writeHead(status, status === 302 ? { location: '/elsewhere' } : {}).end();
    });
  };
  const server = tls === undefined ? createHttpServer(take) : createHttpsServer(tls, take);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    url: `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${(server.address() as AddressInfo).port}/hook?key=Hush`,
    secret: `whsec_${randomBytes(32).toString('base64')}`,
    received,
    answerNext: (...next) => void statuses.push(...next),
    taken: () => taken,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** The signature that the Standard Webhooks specification asks for. */
export function signatureOf({ headers, body }: Received, secret: string): string {
  const key = secret.startsWith('whsec_') ? Buffer.from(secret.slice(6), 'base64') : Buffer.from(secret);
  const content = `${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`;
  return `v1,${createHmac('sha256', key).update(content).digest('base64')}`;
}
