import type { Io } from '../shell/machine.ts';

/** A CP command as vmcp hands it over: its words in upper case, and the line as it was given. */
export type CpCommand = { words: readonly string[]; line: string; io: Io };

/** CP's refusal as vmcp prints it: the message on stdout, the return code on stderr (docs/reference/xcat.md 3.1). */
export function refuse({ io, line }: CpCommand, message: string, text: string, code: number): number {
  io.out.write(`${message} ${text}\n`);
  io.err.write(`Error: non-zero CP response for command '${line.toUpperCase()}': #${code}\n`);
  return 1;
}

/** CP's answer. */
export function answer({ io }: CpCommand, lines: readonly string[]): number {
  io.out.write(lines.map((line) => `${line}\n`).join(''));
  return 0;
}

/** Whether a word is an abbreviation; the letters that are needed are capitals in the keyword. */
export function abbreviates(word: string | undefined, keyword: string): boolean {
  const needed = /^[A-Z]+/.exec(keyword)?.[0] ?? keyword;
  return word !== undefined && word.length >= needed.length && keyword.toUpperCase().startsWith(word);
}
