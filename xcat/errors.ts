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

// 'bad-answer' and 'smapi' depend on the answer: who raises them may say `retryable`; this is what holds when nobody does.
const RETRYABLE: Readonly<Record<XcatErrorCode, boolean>> = {
  unreachable: true,
  timeout: true,
  busy: true,
  unauthorised: false,
  'unknown-node': false,
  'bad-answer': false,
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
};

/**
 * Every failure of this folder. `retryable` says whether another try can help (HTTP 503, dropped connections and time-outs: contract
 * xcat.md 1.3; SMAPI codes: 4.6). It never holds a URL query, headers or a password, nor the error of the HTTP library, which could.
 */
export class XcatError extends Error {
  override readonly name = 'XcatError';
  readonly code: XcatErrorCode;
  readonly operation: string;
  readonly advice: string;
  readonly retryable: boolean;

  constructor({ code, operation, message, advice, retryable }: XcatErrorDetails) {
    super(message);
    this.code = code;
    this.operation = operation;
    this.advice = advice ?? ADVICE[code];
    this.retryable = retryable ?? RETRYABLE[code];
  }
}

// SQLite, PostgreSQL and MySQL: xCAT passes on what its database says.
const DUPLICATE = /UNIQUE constraint failed|columns? .* (is|are) not unique|duplicate key value|Duplicate entry/i;

/** The refusal of a change to a table, in xCAT's words: a row that is there already was written by somebody else since the table was read. */
export function tableRefusal(operation: string, reason: string): XcatError {
  const code = DUPLICATE.test(reason) ? 'conflict' : 'refused';
  return new XcatError({ code, operation, message: `${operation}: ${reason}` });
}
