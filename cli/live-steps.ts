import { createLogUpdate } from 'log-update';
import type { Standing } from '../client/follow-operation.ts';
import { colourAside } from './output.ts';
import { plainText } from './plain-text.ts';

type Line = { kind: 'said' | 'done' | 'coming'; text: string };

/** Shows where a running operation stands, to standard error: in place on a terminal; elsewhere what is said besides its steps, once. */
export class LiveSteps {
  readonly #update = process.stderr.isTTY ? createLogUpdate(process.stderr) : undefined;
  readonly #told = new Set<string>();

  show(standing: Standing): void {
    const lines = linesOf(standing);
    if (this.#update !== undefined) {
      this.#update(lines.map(decorated).join('\n'));
      return;
    }
    for (const { kind, text } of lines) {
      if (kind !== 'said' || this.#told.has(text)) continue;
      this.#told.add(text);
      process.stderr.write(`${text}\n`);
    }
  }

  /** The result says all that was shown. */
  end(): void {
    this.#update?.clear();
  }
}

/** What a run says of itself is Markdown: sentences, and lists of steps under the titles Now and Done. */
function linesOf({ details, steps, waitsFor }: Standing): Line[] {
  if (waitsFor !== undefined)
    return [{ kind: 'said', text: `waits for its turn: ${waitsFor} is at work on this guest` }];
  const lines: Line[] = [];
  let kind: Line['kind'] = 'said';
  for (const line of (steps ?? details ?? '').split('\n')) {
    const [, title] = /^\*\*([^*]+)\*\*$/.exec(line) ?? [];
    if (title !== undefined) kind = title === 'Now' ? 'coming' : title.startsWith('Done') ? 'done' : 'said';
    else if (line.startsWith('- ')) lines.push({ kind, text: line.slice(2) });
    else if (line !== '') lines.push({ kind: 'said', text: plainText(line) });
  }
  return lines;
}

function decorated({ kind, text }: Line): string {
  if (kind === 'done') return `  ${colourAside('green', '✔')} ${text}`;
  return kind === 'coming' ? `  ${colourAside('dim', `… ${text}`)}` : text;
}
