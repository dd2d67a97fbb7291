/** What went wrong, in the words that callers decide by. */
export type XcatErrorCode =
  | 'unreachable'
  | 'timeout'
  | 'busy'
  | 'unauthorised'
  | 'unknown-node'
  | 'bad-answer'
  | 'refused'
  /** Somebody else has changed the table meanwhile. */
  | 'conflict'
  | 'smapi';

// A bad answer comes of a management node that is being started or repaired, or of a proxy in front of it: it is transient unless it says
// that it is permanent. 'smapi' depends on SMAPI's code. Who raises an error may say `retryable`; this is what holds when nobody does.
const RETRYABLE: Readonly<Record<XcatErrorCode, boolean>> = {
  unreachable: true,
  timeout: true,
  busy: true,
  unauthorised: false,
  'unknown-node': false,
  'bad-answer': true,
  refused: false,
  conflict: true,
  smapi: false,
};

const ADVICE: Readonly<Record<XcatErrorCode, string>> = {
  unreachable: 'check that the xCAT management node and the zHCP are up and reachable',
  timeout: 'check the load of the xCAT management node and of the zHCP, or raise the timeout',
  busy: 'check that xcatd runs on the management node',
  unauthorised: "check user name and password, and xCAT's passwd and policy tables",
  'unknown-node': 'check the node name, or define the node in xCAT',
  'bad-answer': 'check that the URL is that of xCAT’s z/VM REST API, and the versions of xCAT and of the zHCP',
  refused: 'correct what the message names and try again',
  conflict: 'see who else writes to xCAT’s tables',
  smapi: 'look the return and reason code up in the z/VM Systems Management API guide',
};

export type XcatErrorDetails = {
  code: XcatErrorCode;
  /** What was being done, without query, headers or credentials: `GET /tables/switch`. */
  operation: string;
  message: string;
  advice?: string;
  /** Only where the code alone does not say it. */
  retryable?: boolean;
  /** How long xCAT, or a proxy in front of it, has asked to be left alone. */
  retryAfterMs?: number;
};

/**
 * Every failure of this folder. `retryable` says whether it is transient (http-failure.ts for HTTP, connection-failure.ts for connections;
 * SMAPI codes: contract xcat.md 4.6). It never holds a URL query, headers or a password, nor the error of the HTTP library, which could.
 */
export class XcatError extends Error {
  override readonly name = 'XcatError';
  readonly code: XcatErrorCode;
  readonly operation: string;
  readonly advice: string;
  readonly retryable: boolean;
  readonly retryAfterMs: number | undefined;

  constructor({ code, operation, message, advice, retryable, retryAfterMs }: XcatErrorDetails) {
    super(message);
    this.code = code;
    this.operation = operation;
    this.advice = advice ?? ADVICE[code];
    this.retryable = retryable ?? RETRYABLE[code];
    this.retryAfterMs = retryAfterMs;
  }

  /** The same failure in other words. */
  with(words: { message: string }): XcatError {
    const { code, operation, advice, retryable, retryAfterMs } = this;
    const pause = retryAfterMs === undefined ? {} : { retryAfterMs };
    return new XcatError({ code, operation, advice, retryable, ...pause, ...words });
  }
}

// SQLite, PostgreSQL and MySQL: xCAT passes on what its database says.
const DUPLICATE = /UNIQUE constraint failed|columns? .* (is|are) not unique|duplicate key value|Duplicate entry/i;

/**
 * The refusal of a change to a table, in xCAT's words. A row that is there already was written by somebody else since the table was read; any
 * other failure of xCAT's database is transient.
 */
export function tableRefusal(operation: string, reason: string): XcatError {
  const message = `${operation}: ${reason}`;
  if (DUPLICATE.test(reason)) return new XcatError({ code: 'conflict', operation, message });
  return new XcatError({ code: 'refused', operation, message, retryable: /\bDB error\b/i.test(reason) });
}
