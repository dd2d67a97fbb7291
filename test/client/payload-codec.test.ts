import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defaultPayloadConverter, type Payload } from '@temporalio/common';
import fc from 'fast-check';
import { expect, onTestFinished, test } from 'vitest';
import { configuredCodec, EncryptingCodec } from '../../client/payload-codec.ts';

const key = () => randomBytes(32).toString('base64');

async function keyFile(text: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'keys-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const file = join(folder, 'payload-keys');
  await writeFile(file, text);
  return file;
}

const payloadOf = (value: unknown): Payload => defaultPayloadConverter.toPayload(value);
const valuesOf = (payloads: Payload[]) => payloads.map((payload) => defaultPayloadConverter.fromPayload(payload));
/** JSON knows no negative zero. */
const asJson = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

test('whatever is encrypted comes back as it was, and cannot be read in between', async () => {
  const codec = new EncryptingCodec(await keyFile(`a ${key()}\n`));
  await fc.assert(
    fc.asyncProperty(fc.array(fc.jsonValue()), async (values) => {
      const payloads = values.map(payloadOf);
      const encoded = await codec.encode(payloads);
      expect(valuesOf(await codec.decode(encoded))).toEqual(values.map(asJson));
    }),
  );
  const [encoded] = await codec.encode([payloadOf('LNX10001')]);
  expect(Buffer.from(encoded?.data ?? []).includes('LNX10001')).toBe(false);
});

test('payloads of before the encryption are read as they are', async () => {
  const codec = new EncryptingCodec(await keyFile(`a ${key()}\n`));
  expect(await codec.decode([payloadOf({ plain: true })])).toEqual([payloadOf({ plain: true })]);
});

test('a new key at the first place encrypts, the former one still decrypts, and the file is read again by itself', async () => {
  const [former, next] = [key(), key()];
  const file = await keyFile(`2025 ${former}\n`);
  const codec = new EncryptingCodec(file);
  const old = await codec.encode([payloadOf(1)]);
  await writeFile(file, `# rotated\n2026 ${next}\n2025 ${former}\n`);
  const other = await new EncryptingCodec(file).encode([payloadOf(2)]);
  expect(valuesOf(await codec.decode([...old, ...other]))).toEqual([1, 2]);
  expect(Buffer.from(other[0]?.metadata?.['encryption-key-id'] ?? []).toString()).toBe('2026');
});

test('a changed payload, an unknown key and another key of the same id are refused', async () => {
  const codec = new EncryptingCodec(await keyFile(`a ${key()}\n`));
  const [whole] = await codec.encode([payloadOf('word')]);
  const data = Buffer.from(whole?.data ?? []);
  data[data.length - 1] = (data.at(-1) ?? 0) ^ 1;
  await expect(codec.decode([{ ...whole, data }])).rejects.toThrow('was changed');
  await expect(codec.decode([{ ...whole, data: Buffer.alloc(3) }])).rejects.toThrow('was changed');
  const stranger = new EncryptingCodec(await keyFile(`a ${key()}\n`));
  await expect(stranger.decode([whole ?? {}])).rejects.toThrow('another key with the id a');
  const other = new EncryptingCodec(await keyFile(`b ${key()}\n`));
  await expect(other.decode([whole ?? {}])).rejects.toThrow('has no key a');
});

test.each([
  ['', 'has no key'],
  ['a c2hvcnQ=', 'line 1 must be an id and a key of 32 bytes'],
  [`a ${key()}\n\na ${key()}`, 'line 3 has the id a a second time'],
])('a key file like %j is refused by its line, without the key', async (text, reason) => {
  const file = await keyFile(text);
  expect(() => new EncryptingCodec(file)).toThrow(reason);
  expect(() => new EncryptingCodec(`${file}.none`)).toThrow('cannot be read (ENOENT)');
});

test("keys come from the variable's file or systemd's credential, and without either nothing is encrypted", async () => {
  const file = await keyFile(`a ${key()}\n`);
  expect(configuredCodec({})).toBeUndefined();
  expect(configuredCodec({ CREDENTIALS_DIRECTORY: tmpdir() })).toBeUndefined();
  expect(configuredCodec({ ZVM_PAYLOAD_KEYS_FILE: file })).toBeInstanceOf(EncryptingCodec);
  expect(configuredCodec({ CREDENTIALS_DIRECTORY: join(file, '..') })).toBeInstanceOf(EncryptingCodec);
});

test('a file that is being written leaves the keys as they are', async () => {
  const file = await keyFile(`a ${key()}\n`);
  const codec = new EncryptingCodec(file);
  const encoded = await codec.encode([payloadOf(1)]);
  await writeFile(file, 'half a li');
  await utimes(file, new Date(0), new Date(0));
  expect(valuesOf(await codec.decode(encoded))).toEqual([1]);
});
