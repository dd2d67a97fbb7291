import { createLogUpdate } from 'log-update';
import type { ImportCounts } from '../client/import-ports.ts';
import { colourAside } from './output.ts';

const WIDTH = 30;
const STEPS = 10;

/** Progress of work of known size, on standard error: a bar on a terminal, a line for each tenth elsewhere. */
export class ProgressBar {
  readonly #total: number;
  readonly #what: string;
  readonly #update = process.stderr.isTTY ? createLogUpdate(process.stderr) : undefined;
  #tenths = 0;

  constructor(total: number, what: string) {
    this.#total = total;
    this.#what = what;
  }

  show(counts: ImportCounts): void {
    const { wired, unchanged, refused, failed } = counts;
    const done = wired + unchanged + refused + failed;
    const bad = refused + failed;
    const text = `${done}/${this.#total} ${this.#what}${bad === 0 ? '' : colourAside('red', `, ${bad} not wired`)}`;
    if (this.#update !== undefined) {
      const filled = Math.round((done / this.#total) * WIDTH);
      this.#update(`${colourAside('green', '█'.repeat(filled))}${'░'.repeat(WIDTH - filled)} ${text}`);
      return;
    }
    const tenths = Math.floor((done / this.#total) * STEPS);
    if (tenths <= this.#tenths) return;
    this.#tenths = tenths;
    process.stderr.write(`${text}\n`);
  }

  /** Ends the bar and keeps its last state on the terminal. */
  end(): void {
    this.#update?.done();
  }
}
