import { defined } from '../domain/defined.ts';
import { ConfigurationError, type ConfigurationProblem } from './error.ts';

/** A value as written, its lines joined by line feeds, with the line number of its key. */
export type IniValue = { text: string; line: number };

/** A `[section]` header and the keys under it; a name may be repeated later in the file. */
export type IniSection = { name: string; line: number; values: ReadonlyMap<string, IniValue> };

/** One file's sections in the order of the file. */
export type IniFile = { file: string; sections: readonly IniSection[] };

/**
 * Parse ini text by the rules of oslo.config: `key = value` or `key: value`; `#` and `;` begin a comment only at the start of a line; a line that
 * begins with a blank continues the value before it; the last of repeated keys wins; quotes around a value are dropped. Throws a
 * ConfigurationError that lists every bad line.
 */
export function parseIni(text: string, file: string): IniFile {
  const { ini, problems } = scanIni(text, file);
  if (problems.length > 0) throw new ConfigurationError(problems);
  return ini;
}

/** The same as `parseIni`, but returns the readable part together with the problems. */
export function scanIni(text: string, file: string): { ini: IniFile; problems: ConfigurationProblem[] } {
  const problems: ConfigurationProblem[] = [];
  const sections: { name: string; line: number; values: Map<string, IniValue> }[] = [];
  // A problem never quotes a bad line, which may be part of a password.
  const refuse = (line: number, problem: string, allowed?: string): void => {
    const section = sections.at(-1)?.name;
    problems.push({
      file,
      line,
      ...defined({ section }),
      problem,
      ...defined({ allowed }),
    });
  };
  let open: IniValue | undefined;
  let skipping = false;

  for (const [index, untrimmed] of text
    .replace(/^\uFEFF/, '')
    .split(/\r\n|\n|\r/)
    .entries()) {
    const number = index + 1;
    const line = untrimmed.trimEnd();
    if (line === '') {
      open = undefined;
      skipping = false;
    } else if (line.startsWith(' ') || line.startsWith('\t')) {
      if (CONTROL.test(line)) refuse(number, 'the line holds a control character', 'text');
      else if (open !== undefined) open.text = `${open.text}\n${line.trimStart()}`;
      else if (!skipping) refuse(number, 'the line begins with a blank but continues no value', 'a key in column 1');
    } else {
      open = undefined;
      skipping = false;
      if (CONTROL.test(line)) {
        refuse(number, 'the line holds a control character', 'text');
        skipping = true;
      } else if (line.startsWith('[')) {
        if (line.endsWith(']') && line.slice(1, -1).trim() !== '') {
          sections.push({ name: line.slice(1, -1).trim(), line: number, values: new Map() });
        } else {
          refuse(number, 'the section header has no name or no closing bracket', '[section]');
          skipping = true;
        }
      } else if (!line.startsWith('#') && !line.startsWith(';')) {
        const separator = line.search(/[=:]/);
        const key = line.slice(0, Math.max(separator, 0)).trim();
        const section = sections.at(-1);
        if (separator < 0)
          refuse(number, 'the line has neither = nor :', 'key = value, key: value, [section], # or ; comment');
        else if (key === '') refuse(number, 'the key before = or : is empty', 'key = value');
        else if (section === undefined) refuse(number, 'the key is outside any section', 'a [section] above it');
        else {
          open = { text: unquoted(line.slice(separator + 1).trim()), line: number };
          section.values.set(key, open);
        }
        skipping = open === undefined;
      }
    }
  }
  return { ini: { file, sections }, problems };
}

/** Control characters, which no value may hold: a NUL would end it in other programs. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: the pattern matches control characters
const CONTROL = /[\0-\x08\x0b-\x1f\x7f]/;

function unquoted(text: string): string {
  const quote = text[0];
  return text.length > 1 && (quote === '"' || quote === "'") && text.endsWith(quote) ? text.slice(1, -1) : text;
}
