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
    const lines = [...new Set(problems.map(describeProblem))];
    super(
      `The configuration has ${lines.length === 1 ? 'a problem' : `${lines.length} problems`}:\n${lines.join('\n')}`,
    );
    this.name = 'ConfigurationError';
    this.problems = problems;
  }
}

/** A problem as one line: `agent.ini:3: [agent] polling_interval: "x" is not … (allowed: …)`. */
export function describeProblem({ file, line, section, key, problem, allowed }: ConfigurationProblem): string {
  const place = line === undefined ? file : `${file}:${line}`;
  const name = [section === undefined ? undefined : `[${section}]`, key].filter((part) => part !== undefined).join(' ');
  return `  ${place}: ${name === '' ? '' : `${name}: `}${problem}${allowed === undefined ? '' : ` (allowed: ${allowed})`}`;
}
