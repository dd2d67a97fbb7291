/** What went wrong, in the words that callers decide by. */
export type XcatErrorCode =
  | 'unreachable'
  | 'timeout'
  | 'busy'
  | 'unauthorised'
  | 'unknown-node'
  | 'bad-answer'
  | 'refused'
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
