/** An error in a file of ports. `place` names the entry for people: `line 7`, `entry 3`. */
export type PortFileProblem = { place: string; field: string; reason: string };

/** Most reported errors: the first ones explain the others. */
const MOST_TOLD = 100;

/** Mistakes in a file, as many as are reported. */
export class Problems {
  readonly #first: PortFileProblem[] = [];
  #count = 0;

  get count(): number {
    return this.#count;
  }

  get first(): readonly PortFileProblem[] {
    return this.#first;
  }

  add(...problems: readonly PortFileProblem[]): void {
    this.#count += problems.length;
    this.#first.push(...problems.slice(0, MOST_TOLD - this.#first.length));
  }

  /** Those of another list after these. */
  append(others: Problems): void {
    const before = this.#count;
    this.add(...others.first);
    this.#count = before + others.count;
  }
}

/** All errors of a file of ports; of many, the first and their number. */
export class PortFileError extends Error {
  override readonly name = 'PortFileError';
  readonly problems: readonly PortFileProblem[];

  constructor({ first, count }: Pick<Problems, 'first' | 'count'>) {
    const lines = first.map(({ place, field, reason }) => `${place}: ${field === '' ? '' : `${field}: `}${reason}`);
    const more = count - first.length;
    super([...lines, ...(more === 0 ? [] : [`… and ${more} more errors`])].join('\n'));
    this.problems = first;
  }
}

/** The error of a file that cannot be read any further. */
export function unreadable(place: string, reason: string): PortFileError {
  return new PortFileError({ first: [{ place, field: '', reason }], count: 1 });
}
