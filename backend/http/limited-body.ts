import type { Readable } from 'node:stream';

/** A body that is longer than it may be. */
export class TooLong extends Error {}

/**
 * The text of a body, of which no more is kept than the limit. Throws TooLong when it is longer, before it is read to its end, which need not
 * exist; with `cut`, answers its beginning.
 */
export async function limitedText(body: Readable, limit: number, cut = false): Promise<string> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of body as AsyncIterable<Buffer>) {
    bytes += piece.length;
    if (bytes <= limit) {
      pieces.push(piece);
      continue;
    }
    // Leaving the loop ends the stream, and with it the connection.
    if (!cut) throw new TooLong();
    pieces.push(piece.subarray(0, piece.length - (bytes - limit)));
    break;
  }
  return Buffer.concat(pieces).toString('utf8');
}
