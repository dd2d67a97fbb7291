import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { RemoteFailure } from './errors.ts';

/** A message to a server or its agents; without `msgId` nobody answers it. */
export type Outgoing = {
  method: string;
  version: string;
  args: Record<string, unknown>;
  answer?: { msgId: string; queue: string };
};

/** A message from a server to its agents. */
export type Incoming = { method: string; version: string; args: Record<string, unknown>; uniqueId: string | undefined };

/** An answer to a call, or a part of one: what counts comes with `ending` at the latest (contract neutron.md 2.3). */
export type Reply = { msgId: string; result: unknown; failure: RemoteFailure | undefined; ending: boolean };

/** 32 hex digits, as oslo.messaging makes its ids. */
export function newId(): string {
  return randomUUID().replaceAll('-', '');
}

/** Wrap a message as oslo.messaging 2.0 does: the inner message is a JSON string in JSON. */
export function encode({ method, version, args, answer }: Outgoing): Buffer {
  const inner = {
    method,
    args,
    version,
    _unique_id: newId(),
    ...(answer === undefined ? {} : { _msg_id: answer.msgId, _reply_q: answer.queue, _timeout: null }),
    ...context(),
  };
  return Buffer.from(JSON.stringify({ 'oslo.version': '2.0', 'oslo.message': JSON.stringify(inner) }));
}

// Without an administrator's context the server finds no port (contract neutron.md 2.3); its log shows the request id.
function context(): Record<string, unknown> {
  return {
    _context_is_admin: true,
    _context_roles: [],
    _context_user_id: null,
    _context_project_id: null,
    _context_tenant: null,
    _context_read_only: false,
    _context_show_deleted: false,
    _context_request_id: `req-${randomUUID()}`,
    _context_timestamp: new Date().toISOString().replace('T', ' ').replace('Z', '000'),
  };
}

const Envelope = z.object({ 'oslo.message': z.string() });
const Message = z.object({
  method: z.string(),
  version: z.string().default('1.0'),
  args: z.record(z.string(), z.unknown()).default({}),
  _unique_id: z.string().optional(),
});
const Answer = z.object({
  _msg_id: z.string(),
  result: z.unknown().optional(),
  failure: z.string().nullish(),
  // Servers of before 2014 send the result first and the end in a message of its own.
  ending: z.boolean().default(false),
});
const Failure = z.object({
  class: z.string().default('Exception'),
  module: z.string().default(''),
  message: z.string().default(''),
});

/** Read a message to agents. Undefined when it is none. */
export function decodeMessage(content: Buffer): Incoming | undefined {
  const parsed = Message.safeParse(innerOf(content));
  if (!parsed.success) return undefined;
  const { method, version, args, _unique_id: uniqueId } = parsed.data;
  return { method, version, args, uniqueId };
}

/** Read an answer. Undefined when it is none. */
export function decodeReply(content: Buffer): Reply | undefined {
  const parsed = Answer.safeParse(innerOf(content));
  if (!parsed.success) return undefined;
  const { _msg_id: msgId, result, failure, ending } = parsed.data;
  return { msgId, result, failure: failure == null ? undefined : failureOf(failure), ending };
}

/** What stands in the envelope; a message without one is taken as it is (contract neutron.md 2.3). */
function innerOf(content: Buffer): unknown {
  const outer = json(content.toString('utf8'));
  const envelope = Envelope.safeParse(outer);
  return envelope.success ? json(envelope.data['oslo.message']) : outer;
}

function failureOf(text: string): RemoteFailure {
  const parsed = Failure.safeParse(json(text));
  return parsed.success ? parsed.data : { class: 'Exception', module: '', message: text };
}

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
