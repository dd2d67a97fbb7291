/** One thing that is wrong, and where. `file` names all files read when a key is missing from every one of them. */
export type ConfigurationProblem = {
  file: string;
  line?: number;
  section?: string;
  key?: string;
  problem: string;
  allowed?: string;
};

/** All that is wrong with a configuration, at once. Neither the message nor the problems hold a secret's value. */
export class ConfigurationError extends Error {
  readonly problems: readonly ConfigurationProblem[];

  constructor(problems: readonly ConfigurationProblem[]) {
    const { lines, more } = toldOf(problems);
    const count = lines.length + more;
    super(
      `The configuration has ${count === 1 ? 'a problem' : `${count} problems`}:\n${lines.join('\n')}${andMore(more)}`,
    );
    this.name = 'ConfigurationError';
    this.problems = problems;
  }
}

/** Nobody reads more of them; the first ones show what is wrong with the others too. */
const MOST_TOLD = 100;

/** Problems as lines, each once and not more than are of use, and how many more there are. */
export function toldOf(problems: readonly ConfigurationProblem[]): { lines: string[]; more: number } {
  const lines = new Set(problems.map(describeProblem));
  const told = [...lines].slice(0, MOST_TOLD);
  return { lines: told, more: lines.size - told.length };
}

/** What follows those lines. */
export function andMore(more: number): string {
  return more === 0 ? '' : `\n  … and ${more} more`;
}

/** A problem as one line: `agent.ini:3: [agent] polling_interval: "x" is not … (allowed: …)`. */
export function describeProblem({ file, line, section, key, problem, allowed }: ConfigurationProblem): string {
  const place = line === undefined ? file : `${file}:${line}`;
  const name = [section === undefined ? undefined : `[${section}]`, key].filter((part) => part !== undefined).join(' ');
  return `  ${place}: ${name === '' ? '' : `${name}: `}${problem}${allowed === undefined ? '' : ` (allowed: ${allowed})`}`;
}
