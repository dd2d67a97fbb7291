import type { Payload } from '@temporalio/common';
import { cors } from 'hono/cors';
import { z } from 'zod';
import { defined } from '../../domain/defined.ts';
import { messageOf } from '../../domain/text/error-message.ts';
import { Problem } from '../http/problem.ts';
import { type App, newApp } from '../http/routing.ts';
import type { GatewayOptions } from '../options.ts';

const Base64 = z.base64().transform((text) => new Uint8Array(Buffer.from(text, 'base64')));
const Payloads = z.object({
  payloads: z.array(z.object({ metadata: z.record(z.string(), Base64).optional(), data: Base64.optional() })),
});

/** The longest answer of a browser's preflight that it keeps; seconds. */
const PREFLIGHT_SECONDS = 3_600;

/** Lets pages of the Temporal UI call the codec; their browser asks before. */
export function fromTemporalUi({ uiUrl }: GatewayOptions) {
  return cors({
    origin: uiUrl === undefined ? [] : new URL(uiUrl).origin,
    allowMethods: ['POST'],
    allowHeaders: ['authorization', 'content-type', 'x-namespace'],
    maxAge: PREFLIGHT_SECONDS,
  });
}

/** The codec that Temporal's UI and CLI call to show encrypted histories (https://docs.temporal.io/codec-server). */
export function codecRoutes({ client, namespace, log }: GatewayOptions): App {
  const app = newApp();
  const [codec] = client.options.loadedDataConverter.payloadCodecs;
  for (const way of ['encode', 'decode'] as const)
    app.post(`/codec/${way}`, async (context) => {
      const wanted = context.req.header('x-namespace') ?? namespace;
      if (wanted !== namespace)
        throw new Problem(404, 'not-found', 'Not found', `the keys of namespace ${wanted} are not here`);
      const given = Payloads.safeParse(await context.req.json().catch(() => undefined));
      if (!given.success)
        throw new Problem(
          400,
          'invalid-request',
          'Invalid request',
          'the body must be payloads in the JSON of protobuf',
        );
      try {
        const asked: Payload[] = given.data.payloads.map((each) => defined({ ...each }));
        const payloads = codec === undefined ? asked : await codec[way](asked);
        return context.json({ payloads: payloads.map(asJson) });
      } catch (error) {
        log('error', { reason: messageOf(error) }, `payloads not ${way}d`);
        throw new Problem(
          422,
          'unreadable',
          'Not readable',
          `a payload cannot be ${way}d; the log of the gateway has the reason`,
        );
      }
    });
  return app;
}

function asJson({ metadata, data }: Payload) {
  const text = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64');
  const entries = Object.entries(metadata ?? {}).map(([name, value]) => [name, text(value)]);
  return { metadata: Object.fromEntries(entries), ...(data ? { data: text(data) } : {}) };
}
