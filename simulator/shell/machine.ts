export type Sink = { write(text: string): void };
export type Io = { stdin: string; out: Sink; err: Sink };
export type External = (argv: string[], io: Io) => Promise<number>;

/** The files and the commands that a machine has. */
export type Machine = {
  files: Map<string, string>;
  commands: Record<string, External>;
  bootTime: () => Date;
};

export type Environment = {
  machine: Machine;
  variables: Map<string, string>;
  args: string[];
  pid: number;
  cwd: string;
  status: number;
  jobs: Promise<void>[];
  /** the shell itself, for the commands that run others */
  shell: {
    execute(env: Environment, name: string, args: string[], io: Io): Promise<number>;
    runText(env: Environment, text: string, io: Io): Promise<number>;
    isRunning(pid: number): boolean;
  };
};

/** Thrown by `exit`; ends the innermost subshell. */
export class ShellExit extends Error {
  readonly status: number;
  constructor(status: number) {
    super('exit');
    this.status = status;
  }
}

/** Linux takes no longer argument of a program, with the NUL at its end (docs/reference/xcat.md 5). */
export const MOST_ARGUMENT_BYTES = 131_072;

/** A copy a subshell may change freely. */
export function fork(env: Environment): Environment {
  return { ...env, variables: new Map(env.variables), jobs: [] };
}

/** A file name made absolute. */
export function resolvePath(env: Environment, name: string): string {
  return name.startsWith('/') ? name : `${env.cwd === '/' ? '' : env.cwd}/${name.replace(/^\.\//, '')}`;
}
