import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Agent, fetch } from 'undici';
import type { DeliverEvent } from '../../activities/host-runtime.ts';
import { NotDelivered } from '../../activities/notifications.ts';
import type { WebhookConfiguration } from '../../configuration/webhooks.ts';
import { messageOf } from '../../domain/text/error-message.ts';

const ANSWER_MS = 15_000;
/** The receiver has said that it wants no more. */
const GONE = 410;
const ENCODED = 'whsec_';

/** The webhooks of a host, by name. */
export function webhooksOf(configured: readonly WebhookConfiguration[]): ReadonlyMap<string, DeliverEvent> {
  return new Map(configured.map((webhook) => [webhook.name, deliveryTo(webhook)]));
}

/** Sends to one webhook: a CloudEvent in structured JSON, signed as the Standard Webhooks specification says. Throws NotDelivered. */
function deliveryTo(webhook: WebhookConfiguration): DeliverEvent {
  const { name, url, caFile } = webhook;
  return async (event, signal) => {
    const body = JSON.stringify(event);
    const seconds = Math.floor(Date.now() / 1_000);
    const dispatcher = new Agent(caFile === undefined ? {} : { connect: { ca: readOrFail(name, caFile) } });
    try {
      const answer = await fetch(url, {
        method: 'POST',
        body,
        headers: {
          'content-type': 'application/cloudevents+json; charset=UTF-8',
          'user-agent': 'networking-zvm',
          'webhook-id': event.id,
          'webhook-timestamp': String(seconds),
          'webhook-signature': signaturesOf(secretsOf(webhook), `${event.id}.${seconds}.${body}`),
        },
        // Only configured addresses are called: a redirect could lead to any inside the network.
        redirect: 'manual',
        signal: AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)]),
        dispatcher,
      });
      await answer.body?.cancel();
      if (!answer.ok) throw new NotDelivered(`webhook ${name} answers ${answer.status}`, answer.status !== GONE);
    } catch (error) {
      if (error instanceof NotDelivered) throw error;
      throw new NotDelivered(`webhook ${name} cannot be reached: ${reasonOf(error)}`, true);
    } finally {
      await dispatcher.destroy();
    }
  };
}

/** A signature by each secret, so that receivers can change to a new one (Standard Webhooks, "Signature scheme"). */
function signaturesOf(secrets: readonly Buffer[], content: string): string {
  return secrets.map((secret) => `v1,${createHmac('sha256', secret).update(content).digest('base64')}`).join(' ');
}

/** The secrets as they are now, one a line: `whsec_` and Base64, or the text itself. */
function secretsOf({ name, secretFile, secret = '' }: WebhookConfiguration): Buffer[] {
  const text = secretFile === undefined ? secret : readOrFail(name, secretFile);
  const lines = text.split('\n').map((line) => line.trim());
  const secrets = lines
    .filter((line) => line !== '')
    .map((line) =>
      line.startsWith(ENCODED) ? Buffer.from(line.slice(ENCODED.length), 'base64') : Buffer.from(line, 'utf8'),
    );
  // Anybody could sign with an empty one.
  if (secrets.length === 0 || secrets.some(({ length }) => length === 0))
    throw new NotDelivered(`the secret of webhook ${name} is empty`, true);
  return secrets;
}

function readOrFail(name: string, file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    throw new NotDelivered(`webhook ${name}: ${file} cannot be read (${code})`, true);
  }
}

/** The code of the cause: its message may quote the address. */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error ? (error.cause ?? error) : error;
  if (cause instanceof Error && 'code' in cause && typeof cause.code === 'string') return cause.code;
  return cause instanceof Error ? cause.name : messageOf(cause);
}
