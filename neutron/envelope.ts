import { randomUUID } from 'node:crypto';
import { brotliDecompressSync, unzipSync, zstdDecompressSync } from 'node:zlib';
import { z } from 'zod';
import { NeutronError, type RemoteFailure } from './errors.ts';

/** A message to a server or its agents; a message without `msgId` gets no answer. */
export type Outgoing = {
  method: string;
  version: string;
  args: Record<string, unknown>;
  answer?: { msgId: string; queue: string };
};

/** A message from a server to its agents. */
export type Incoming = { method: string; version: string; args: Record<string, unknown>; uniqueId: string | undefined };

/** An answer to a call, or a part of one; the part with `ending` is the last (contract neutron.md 2.3). */
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

// Without an administrator's context the server finds no port (contract neutron.md 2.3). Its log shows the request id.
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
  // Servers from before 2014 send the result first and the end in a separate message.
  ending: z.boolean().default(false),
});
const Failure = z.object({
  class: z.string().default('Exception'),
  module: z.string().default(''),
  message: z.string().default(''),
});

/** Parse a message to agents; undefined when it is none. */
export function decodeMessage(content: Buffer): Incoming | undefined {
  const parsed = Message.safeParse(innerOf(content));
  if (!parsed.success) return undefined;
  const { method, version, args, _unique_id: uniqueId } = parsed.data;
  return { method, version, args, uniqueId };
}

/** Parse an answer; undefined when it is none. */
export function decodeReply(content: Buffer): Reply | undefined {
  const parsed = Answer.safeParse(innerOf(content));
  if (!parsed.success) return undefined;
  const { _msg_id: msgId, result, failure, ending } = parsed.data;
  return { msgId, result, failure: failure == null ? undefined : failureOf(failure), ending };
}

/** The message in the envelope; a message without envelope is taken as it is (contract neutron.md 2.3). */
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

/** Decompression by kombu's name in a message's header, which the server sets when `kombu_compression` is set. */
const DECOMPRESS: Readonly<Record<string, (content: Buffer) => Buffer>> = {
  // The format is zlib's, despite kombu's name.
  'application/x-gzip': (content) => unzipSync(content),
  'application/x-brotli': (content) => brotliDecompressSync(content),
  'application/zstd': (content) => zstdDecompressSync(content),
};

/** The decompressed content of a message. Throws a NeutronError 'compressed' for an unknown compression or damaged content. */
export function uncompressed(content: Buffer, headers: Readonly<Record<string, unknown>> | undefined): Buffer {
  const compression = headers?.compression;
  if (compression === undefined || compression === null || compression === '') return content;
  const decompress = DECOMPRESS[String(compression)];
  if (decompress === undefined)
    throw new NeutronError('compressed', 'read a message', `it is compressed as ${String(compression)}`);
  try {
    return decompress(content);
  } catch {
    throw new NeutronError(
      'compressed',
      'read a message',
      `its content is not ${String(compression)}, as its header says`,
    );
  }
}
