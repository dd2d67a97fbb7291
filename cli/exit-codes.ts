/** Exit codes of `zvmnet`. Scripts rely on them: numbers do not change. */
export const EXIT = {
  /** Done, or nothing to do. */
  ok: 0,
  /** The operation failed, or its deadline passed; or its report could not be written. */
  failed: 1,
  /** The command line, a file of ports or the configuration is wrong. No operation was started. */
  usage: 2,
  /** The request was refused. Nothing was touched. */
  refused: 3,
  /** There is no such host, guest, port, VSWITCH or operation. */
  notFound: 4,
  /** Temporal, its namespace, or a worker of the host is missing. */
  unavailable: 5,
  /** `drift` and `reconcile --dry-run`: there is drift. `diff` and `apply --dry-run`: something differs from the file. `migrate --dry-run`: something is to be brought. */
  drift: 6,
  /** The operation was cancelled or terminated. */
  cancelled: 7,
  /** Ctrl-C: started operations continue. */
  interrupted: 130,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** The failure of a command: a sentence for people, and the exit code. */
export class CommandFailure extends Error {
  override readonly name = 'CommandFailure';
  readonly exitCode: ExitCode;

  constructor(exitCode: ExitCode, message: string) {
    super(message);
    this.exitCode = exitCode;
  }
}
