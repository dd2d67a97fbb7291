import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Payload, PayloadCodec } from '@temporalio/common';
import proto from '@temporalio/proto';

/** The variable of the key file, as `--help` tells it. */
export const PAYLOAD_KEY_VARIABLES = {
  ZVM_PAYLOAD_KEYS_FILE:
    'the keys that encrypt what Temporal stores; by default the credential payload-keys of systemd',
};

/** A key file that cannot be used. The message names the file and the line, never a key. */
export class PayloadKeyError extends Error {
  override readonly name = 'PayloadKeyError';
}

/** Keys by id. The first of the file encrypts; each decrypts what it has encrypted. */
type Keys = { first: string; byId: ReadonlyMap<string, Buffer> };

const ALGORITHM = 'aes-256-gcm';
const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const ENCODING = 'binary/encrypted';
const KEY_ID = 'encryption-key-id';
const CREDENTIAL = 'payload-keys';
/** How often the file is looked at, at most. */
const LOOK_MS = 5_000;

const { Payload: Wire } = proto.temporal.api.common.v1;

/**
 * The codec of the key file: encrypts payloads as Temporal's own samples do (AES-256-GCM; nonce, ciphertext and tag; the id of the key as
 * metadata), and reads those that are not encrypted as they are. A changed file is read again: a key that is added, moved to the first place or
 * taken out counts within seconds. Throws a PayloadKeyError for a file that cannot be used, later when a payload has an unknown key.
 */
export class EncryptingCodec implements PayloadCodec {
  readonly #file: string;
  #keys: Keys;
  #changedAt: number;
  #lookedAt = Date.now();

  constructor(file: string) {
    this.#file = file;
    this.#keys = keysOf(file);
    this.#changedAt = changeOf(file);
  }

  encode(payloads: Payload[]): Promise<Payload[]> {
    const { first, byId } = this.#current();
    const key = byId.get(first);
    return Promise.resolve(payloads.map((payload) => (key === undefined ? payload : encrypted(payload, first, key))));
  }

  async decode(payloads: Payload[]): Promise<Payload[]> {
    return payloads.map((payload) => (textIn(payload, 'encoding') === ENCODING ? this.#decrypted(payload) : payload));
  }

  #decrypted(payload: Payload): Payload {
    const id = textIn(payload, KEY_ID);
    const key = this.#current().byId.get(id) ?? this.#readAgain().byId.get(id);
    if (key === undefined)
      throw new PayloadKeyError(`${this.#file} has no key ${id}, with which a payload is encrypted`);
    return decrypted(payload, key, id);
  }

  #current(): Keys {
    if (Date.now() - this.#lookedAt < LOOK_MS) return this.#keys;
    this.#lookedAt = Date.now();
    return changeOf(this.#file) === this.#changedAt ? this.#keys : this.#readAgain();
  }

  /** A file that cannot be used now, as while it is written, leaves the keys as they are. */
  #readAgain(): Keys {
    try {
      this.#changedAt = changeOf(this.#file);
      this.#keys = keysOf(this.#file);
    } catch (error) {
      if (!(error instanceof PayloadKeyError)) throw error;
    }
    return this.#keys;
  }
}

/** The codec that the environment asks for; none without a key file. Throws a PayloadKeyError for one that cannot be used. */
export function configuredCodec(env: NodeJS.ProcessEnv = process.env): EncryptingCodec | undefined {
  const named = env.ZVM_PAYLOAD_KEYS_FILE ?? '';
  if (named !== '') return new EncryptingCodec(named);
  const credential = join(env.CREDENTIALS_DIRECTORY ?? '', CREDENTIAL);
  return env.CREDENTIALS_DIRECTORY !== undefined && changeOf(credential) > 0
    ? new EncryptingCodec(credential)
    : undefined;
}

function encrypted(payload: Payload, id: string, key: Buffer): Payload {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv(ALGORITHM, key, nonce);
  const data = Buffer.concat([
    nonce,
    cipher.update(Wire.encode(payload).finish()),
    cipher.final(),
    cipher.getAuthTag(),
  ]);
  return { metadata: { encoding: Buffer.from(ENCODING), [KEY_ID]: Buffer.from(id) }, data };
}

function decrypted({ data }: Payload, key: Buffer, id: string): Payload {
  const bytes = Buffer.from(data ?? []);
  const failure = () => new PayloadKeyError(`a payload was changed, or encrypted by another key with the id ${id}`);
  if (bytes.length < NONCE_BYTES + TAG_BYTES) throw failure();
  const decipher = createDecipheriv(ALGORITHM, key, bytes.subarray(0, NONCE_BYTES));
  decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
  try {
    const plain = Buffer.concat([decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()]);
    return Wire.toObject(Wire.decode(plain), { bytes: Uint8Array });
  } catch {
    throw failure();
  }
}

function textIn({ metadata }: Payload, name: string): string {
  return Buffer.from(metadata?.[name] ?? []).toString('utf8');
}

/** Lines `id key`, the key as Base64 of 32 bytes; blank lines and those that begin with # do not count. */
function keysOf(file: string): Keys {
  const lines = textOf(file)
    .split('\n')
    .map((text, index) => ({ words: text.trim().split(/\s+/), number: index + 1 }))
    .filter(({ words: [first = ''] }) => first !== '' && !first.startsWith('#'));
  const byId = new Map<string, Buffer>();
  for (const { words, number } of lines) {
    const [id = '', text = '', ...more] = words;
    const key = Buffer.from(text, 'base64');
    const fault =
      more.length > 0 || key.length !== KEY_BYTES
        ? `must be an id and a key of ${KEY_BYTES} bytes in Base64`
        : byId.has(id)
          ? `has the id ${id} a second time`
          : undefined;
    if (fault !== undefined) throw new PayloadKeyError(`${file}: line ${number} ${fault}`);
    byId.set(id, key);
  }
  const [first] = byId.keys();
  if (first === undefined) throw new PayloadKeyError(`${file} has no key`);
  return { first, byId };
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const reason = error instanceof Error && 'code' in error ? String(error.code) : 'unreadable';
    throw new PayloadKeyError(`the file of payload keys ${file} cannot be read (${reason})`);
  }
}

/** When a file was changed last; 0 when it cannot be seen. */
function changeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}
