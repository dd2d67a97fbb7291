import { Client } from '@temporalio/client';
import { z } from 'zod';
import { defined } from '../domain/defined.ts';
import { VIAS } from '../domain/policy/verdict.ts';
import { MEMO } from '../temporal-config/names.ts';
import { clientParts } from './temporal-connection.ts';

/** A reason is kept up to this length. */
export const LONGEST_REASON = 500;
const LONGEST_NAME = 200;

/** The person or program that asked for an operation, the way by which the request came in, and why it was made. */
export const Origin = z.object({
  /** A token's name, or `user@machine` of zvmnet. */
  by: z.string().min(1).max(LONGEST_NAME),
  via: z.enum(VIAS),
  reason: z.string().min(1).max(LONGEST_REASON).optional(),
  /** The id of the request in the caller's own log. */
  requestId: z.string().max(LONGEST_NAME).optional(),
});
export type Origin = z.infer<typeof Origin>;

/** The origin as the memo of a run. */
export function originMemo(origin: Origin | undefined): Record<string, unknown> {
  return origin === undefined ? {} : { [MEMO.origin]: defined({ ...origin }) };
}

/** The origin that a run's memo tells; undefined for a run that a caller has started at Temporal itself. */
export function originOf(memo: Record<string, unknown> | undefined): Origin | undefined {
  return Origin.safeParse(memo?.[MEMO.origin]).data;
}

/** A text as a reason: without control characters and surrounding blanks, cut to its length. Undefined when nothing is left. */
export function reasonFrom(text: string | undefined): string | undefined {
  const plain = text?.replaceAll(/\p{Cc}+/gu, ' ').trim() ?? '';
  return plain === '' ? undefined : [...plain].slice(0, LONGEST_REASON).join('').trim();
}

/** The same connection under a person's name: Temporal's histories have it as the identity of each request. */
export function clientOf(client: Client, by: string): Client {
  const { namespace, loadedDataConverter } = client.options;
  const [codec] = loadedDataConverter.payloadCodecs;
  return new Client({ connection: client.connection, namespace, identity: by, ...clientParts(codec) });
}
