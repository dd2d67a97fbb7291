/** A problem with its place. `file` names all files read when a key is missing in each of them. */
export type ConfigurationProblem = {
  file: string;
  line?: number;
  section?: string;
  key?: string;
  problem: string;
  allowed?: string;
};

/** All problems of a configuration at once. Neither the message nor the problems hold a secret's value. */
export class ConfigurationError extends Error {
  readonly problems: readonly ConfigurationProblem[];

  constructor(problems: readonly ConfigurationProblem[]) {
    const { lines, more } = problemLines(problems);
    const count = lines.length + more;
    super(
      `The configuration has ${count === 1 ? 'a problem' : `${count} problems`}:\n${lines.join('\n')}${andMore(more)}`,
    );
    this.name = 'ConfigurationError';
    this.problems = problems;
  }
}

/** Most reported problems: later ones resemble the first ones. */
const MOST_LISTED = 100;

/** Problems as distinct lines up to a limit, with the number of further ones. */
export function problemLines(problems: readonly ConfigurationProblem[]): { lines: string[]; more: number } {
  const lines = new Set(problems.map(describeProblem));
  const listed = [...lines].slice(0, MOST_LISTED);
  return { lines: listed, more: lines.size - listed.length };
}

/** The line that stands for further problems. */
export function andMore(more: number): string {
  return more === 0 ? '' : `\n  … and ${more} more`;
}

/** A problem as one line: `agent.ini:3: [agent] polling_interval: "x" is not … (allowed: …)`. */
function describeProblem({ file, line, section, key, problem, allowed }: ConfigurationProblem): string {
  const place = line === undefined ? file : `${file}:${line}`;
  const name = [section === undefined ? undefined : `[${section}]`, key].filter((part) => part !== undefined).join(' ');
  return `  ${place}: ${name === '' ? '' : `${name}: `}${problem}${allowed === undefined ? '' : ` (allowed: ${allowed})`}`;
}
