import { createLogUpdate } from 'log-update';
import type { Standing } from '../client/follow-operation.ts';
import { colourAside } from './output.ts';

/** Shows where a running operation stands, to standard error: in place on a terminal, as new lines elsewhere. */
export class LiveSteps {
  readonly #update = process.stderr.isTTY ? createLogUpdate(process.stderr) : undefined;
  readonly #told = new Set<string>();

  show(standing: Standing): void {
    const lines = linesOf(standing);
    if (this.#update !== undefined) {
      this.#update(lines.map(decorated).join('\n'));
      return;
    }
    for (const line of lines.filter((each) => !each.startsWith('- [ ]') && !this.#told.has(each))) {
      this.#told.add(line);
      process.stderr.write(`${decorated(line)}\n`);
    }
  }

  /** The result says all that was shown. */
  end(): void {
    this.#update?.clear();
  }
}

function linesOf({ details, steps, waitsFor }: Standing): string[] {
  if (waitsFor !== undefined) return [`waits for its turn: ${waitsFor} is at work on this guest`];
  const text = steps ?? details ?? '';
  return text
    .split('\n')
    .map((line) => line.replaceAll('**', ''))
    .filter((line) => line.trim() !== '');
}

function decorated(line: string): string {
  if (line.startsWith('- [x] ')) return `  ${colourAside('green', '✔')} ${line.slice(6)}`;
  if (line.startsWith('- [ ] ')) return `  ${colourAside('dim', `… ${line.slice(6)}`)}`;
  return line;
}
