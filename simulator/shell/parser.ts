export type Part =
  | { kind: 'text'; text: string; quoted: boolean }
  | { kind: 'variable'; name: string; quoted: boolean; fallback: string | null }
  | { kind: 'command'; script: Script; quoted: boolean };
export type Word = Part[];
export type Redirect = { fd: number; mode: '>' | '>>' | '<' | 'dup'; target: Word };
export type Command = { redirects: Redirect[] } & (
  | { kind: 'simple'; assignments: [string, Word][]; words: Word[] }
  | { kind: 'group'; subshell: boolean; body: Script }
  | { kind: 'if'; branches: { test: Script; body: Script }[]; otherwise: Script | null }
  | { kind: 'case'; subject: Word; arms: { patterns: Word[]; body: Script }[] }
);
export type Pipeline = { negated: boolean; commands: Command[] };
export type AndOr = { steps: { operator: '&&' | '||' | null; pipeline: Pipeline }[]; background: boolean };
export type Script = AndOr[];

export class ShellSyntaxError extends Error {}

const RESERVED = /(?:then|else|elif|fi|esac|do|done|if|case|for|while|until|function|select|\{|\}|!)(?=[\s;&|()<>]|$)/y;
const CLOSING = ['then', 'else', 'elif', 'fi', 'esac', 'do', 'done', '}'];

/** Parses a script of the POSIX shell subset the simulator knows; anything else is a syntax error. */
export function parseShell(text: string): Script {
  const parser = new Parser(text);
  const script = parser.script();
  if (!parser.atEnd()) throw parser.unexpected();
  return script;
}

class Parser {
  private readonly text: string;
  private at = 0;

  constructor(text: string) {
    this.text = text;
  }

  atEnd(): boolean {
    return this.at >= this.text.length;
  }

  unexpected(): ShellSyntaxError {
    const token = /\S+/.exec(this.text.slice(this.at))?.[0] ?? 'newline';
    return new ShellSyntaxError(`syntax error near unexpected token \`${token}'`);
  }

  script(): Script {
    const items: Script = [];
    for (;;) {
      this.newlines();
      if (this.atEnd() || this.peek(')') || this.peek(';;') || CLOSING.includes(this.reserved() ?? '')) return items;
      const steps: AndOr['steps'] = [{ operator: null, pipeline: this.pipeline() }];
      let operator = this.andOr();
      while (operator) {
        this.newlines();
        steps.push({ operator, pipeline: this.pipeline() });
        operator = this.andOr();
      }
      const background = this.peek('&') && !this.peek('&&');
      if (background) this.at++;
      items.push({ steps, background });
      this.blanks();
      if (background) continue;
      if (this.peek(';') && !this.peek(';;')) this.at++;
      else if (!this.atEnd() && !this.peek('\n') && !this.peek(')') && !this.peek(';;')) throw this.unexpected();
    }
  }

  private andOr(): '&&' | '||' | null {
    this.blanks();
    for (const operator of ['&&', '||'] as const) if (this.take(operator)) return operator;
    return null;
  }

  private pipeline(): Pipeline {
    this.blanks();
    const negated = this.reserved() === '!';
    if (negated) this.at++;
    const commands = [this.command()];
    this.blanks();
    while (this.peek('|') && !this.peek('||')) {
      this.at++;
      this.newlines();
      commands.push(this.command());
      this.blanks();
    }
    return { negated, commands };
  }

  private command(): Command {
    this.blanks();
    const word = this.reserved();
    if (this.take('(')) {
      const body = this.script();
      this.expect(')');
      return { kind: 'group', subshell: true, body: this.nonEmpty(body), redirects: this.redirects() };
    }
    if (word === null) return this.simple();
    this.at += word.length;
    if (word === '{') {
      const body = this.script();
      this.expect('}');
      return { kind: 'group', subshell: false, body: this.nonEmpty(body), redirects: this.redirects() };
    }
    if (word === 'if') return this.conditional();
    if (word === 'case') return this.choice();
    this.at -= word.length;
    throw this.unexpected();
  }

  private conditional(): Command {
    const branches: { test: Script; body: Script }[] = [];
    let otherwise: Script | null = null;
    for (;;) {
      const test = this.nonEmpty(this.script());
      this.expect('then');
      branches.push({ test, body: this.nonEmpty(this.script()) });
      if (this.take('elif')) continue;
      if (this.take('else')) otherwise = this.nonEmpty(this.script());
      this.expect('fi');
      return { kind: 'if', branches, otherwise, redirects: this.redirects() };
    }
  }

  private choice(): Command {
    this.blanks();
    const subject = this.word();
    this.newlines();
    this.expect('in');
    const arms: { patterns: Word[]; body: Script }[] = [];
    this.newlines();
    while (this.reserved() !== 'esac') {
      this.take('(');
      const patterns: Word[] = [];
      do {
        this.blanks();
        patterns.push(this.word());
        this.blanks();
      } while (this.take('|'));
      this.expect(')');
      const body = this.script();
      arms.push({ patterns, body });
      if (!this.take(';;')) break;
      this.newlines();
    }
    this.expect('esac');
    return { kind: 'case', subject, arms, redirects: this.redirects() };
  }

  private simple(): Command {
    const assignments: [string, Word][] = [];
    const words: Word[] = [];
    const redirects: Redirect[] = [];
    for (;;) {
      this.blanks();
      const redirect = this.redirect();
      if (redirect) {
        redirects.push(redirect);
        continue;
      }
      if (this.atEnd() || /[\n;&|()<>]/.test(this.text[this.at] ?? '')) break;
      const name = words.length === 0 ? this.match(/([A-Za-z_]\w*)=/y)?.[1] : undefined;
      if (name !== undefined) assignments.push([name, this.word(true)]);
      else words.push(this.word());
    }
    if (words.length + assignments.length + redirects.length === 0) throw this.unexpected();
    return { kind: 'simple', assignments, words, redirects };
  }

  private redirects(): Redirect[] {
    const found: Redirect[] = [];
    for (;;) {
      this.blanks();
      const redirect = this.redirect();
      if (!redirect) return found;
      found.push(redirect);
    }
  }

  private redirect(): Redirect | null {
    const match = this.match(/(\d?)(>>|>&|>|<(?![<&]))/y);
    if (!match) return null;
    const operator = match[2] ?? '>';
    const fd = match[1] ? Number(match[1]) : operator === '<' ? 0 : 1;
    this.blanks();
    const mode = operator === '>&' ? 'dup' : operator === '>>' ? '>>' : operator === '<' ? '<' : '>';
    return { fd, mode, target: this.word() };
  }

  private word(mayBeEmpty = false): Word {
    const parts: Word = [];
    while (!this.atEnd()) {
      const char = this.text[this.at] ?? '';
      if (/[\s;&|()<>]/.test(char)) break;
      this.at++;
      if (char === "'") parts.push({ kind: 'text', text: this.until("'"), quoted: true });
      else if (char === '"') this.doubleQuoted(parts);
      else if (char === '\\') {
        const next = this.text[this.at++] ?? '';
        if (next !== '\n') parts.push({ kind: 'text', text: next, quoted: true });
      } else if (char === '$' || char === '`') parts.push(this.expansion(char, false));
      else parts.push({ kind: 'text', text: char, quoted: false });
    }
    if (parts.length === 0 && !mayBeEmpty) throw this.unexpected();
    return parts;
  }

  private doubleQuoted(parts: Word): void {
    parts.push({ kind: 'text', text: '', quoted: true });
    for (;;) {
      if (this.atEnd()) throw new ShellSyntaxError('unexpected EOF while looking for matching `"\'');
      const char = this.text[this.at++] ?? '';
      if (char === '"') return;
      if (char === '$' || char === '`') parts.push(this.expansion(char, true));
      else if (char === '\\' && /[$`"\\\n]/.test(this.text[this.at] ?? '')) {
        const next = this.text[this.at++] ?? '';
        if (next !== '\n') parts.push({ kind: 'text', text: next, quoted: true });
      } else parts.push({ kind: 'text', text: char, quoted: true });
    }
  }

  private expansion(char: string, quoted: boolean): Part {
    if (char === '`')
      return { kind: 'command', script: parseShell(this.until('`').replaceAll(/\\([$`\\])/g, '$1')), quoted };
    if (this.peek('((')) throw this.unexpected();
    if (this.take('(', false)) {
      const script = this.script();
      this.expect(')');
      return { kind: 'command', script, quoted };
    }
    const braced = this.match(/\{(\w+|[?$!#@])(?::-([^}]*))?\}/y);
    if (braced) return { kind: 'variable', name: braced[1] ?? '', quoted, fallback: braced[2] ?? null };
    if (this.peek('{')) throw new ShellSyntaxError(`bad substitution near ${this.text.slice(this.at, this.at + 10)}`);
    const name = this.match(/[A-Za-z_]\w*|[\d?$!#@]/y)?.[0];
    return name === undefined
      ? { kind: 'text', text: '$', quoted: true }
      : { kind: 'variable', name, quoted, fallback: null };
  }

  private until(quote: string): string {
    const end = this.text.indexOf(quote, this.at);
    if (end < 0) throw new ShellSyntaxError(`unexpected EOF while looking for matching \`${quote}'`);
    const inner = this.text.slice(this.at, end);
    this.at = end + 1;
    return inner;
  }

  private nonEmpty(script: Script): Script {
    if (script.length === 0) throw this.unexpected();
    return script;
  }

  private expect(token: string): void {
    this.blanks();
    if (!this.take(token)) throw this.unexpected();
  }

  private take(token: string, skipping = true): boolean {
    if (skipping) this.blanks();
    if (!this.peek(token)) return false;
    this.at += token.length;
    return true;
  }

  private peek(token: string): boolean {
    return this.text.startsWith(token, this.at);
  }

  private reserved(): string | null {
    RESERVED.lastIndex = this.at;
    return RESERVED.exec(this.text)?.[0] ?? null;
  }

  private match(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.at;
    const match = pattern.exec(this.text);
    if (match) this.at += match[0].length;
    return match;
  }

  private blanks(): void {
    this.match(/(?:[ \t]|\\\n)*/y);
    const start = this.at === 0 || /[\s;&|()]/.test(this.text[this.at - 1] ?? '');
    if (start && this.peek('#')) this.match(/[^\n]*/y);
  }

  private newlines(): void {
    do this.blanks();
    while (this.match(/\n/y));
  }
}
