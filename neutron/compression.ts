import { brotliDecompressSync, unzipSync, zstdDecompressSync } from 'node:zlib';
import { NeutronError } from './errors.ts';

/** What kombu names in a message's header when the server's `kombu_compression` is set, and how that is undone. */
const DECOMPRESS: Readonly<Record<string, (content: Buffer) => Buffer>> = {
  // It is zlib's format, whatever kombu calls it.
  'application/x-gzip': (content) => unzipSync(content),
  'application/x-brotli': (content) => brotliDecompressSync(content),
  'application/zstd': (content) => zstdDecompressSync(content),
};

/** The text of a message as it was before the sender compressed it. Throws a NeutronError 'compressed' when that cannot be told. */
export function uncompressed(content: Buffer, headers: Readonly<Record<string, unknown>> | undefined): Buffer {
  const compression = headers?.compression;
  if (compression === undefined || compression === null || compression === '') return content;
  const decompress = DECOMPRESS[String(compression)];
  if (decompress === undefined)
    throw new NeutronError('compressed', 'read a message', `it is compressed as ${String(compression)}`);
  try {
    return decompress(content);
  } catch {
    throw new NeutronError('compressed', 'read a message', `it is no ${String(compression)}, as its header says`);
  }
}
