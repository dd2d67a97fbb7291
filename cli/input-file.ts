import { constants, createReadStream } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { Socket } from 'node:net';
import { addAbortSignal, type Readable } from 'node:stream';
import { messageOf } from '../domain/text/error-message.ts';
import { CommandFailure, EXIT } from './exit-codes.ts';

/** The words for standard input, where a file may be named. */
const STANDARD_INPUT = '-';

/** The name of the input in messages. */
export function nameOfInput(file: string): string {
  return file === STANDARD_INPUT ? 'standard input' : file;
}

/**
 * The text of a file, of a pipe, or of standard input, in pieces as they come. Throws a CommandFailure when it cannot be read, and on Ctrl-C.
 */
export async function* readInput(file: string, signal: AbortSignal): AsyncGenerator<string> {
  try {
    const stream = addAbortSignal(signal, await streamOf(file));
    stream.setEncoding('utf8');
    for await (const piece of stream) yield String(piece);
  } catch (error) {
    if (signal.aborted) throw new CommandFailure(EXIT.interrupted, 'No operation was started.');
    const reason = messageOf(error);
    throw new CommandFailure(EXIT.usage, `${nameOfInput(file)} cannot be read: ${reason}`);
  }
}

async function streamOf(file: string): Promise<Readable> {
  if (file === STANDARD_INPUT) return process.stdin;
  if (!(await stat(file)).isFIFO()) return createReadStream(file);
  // A pipe without a writer, opened as a file, would block the whole process, Ctrl-C included.
  const { fd } = await open(file, constants.O_RDONLY | constants.O_NONBLOCK);
  return new Socket({ fd, readable: true, writable: false });
}
