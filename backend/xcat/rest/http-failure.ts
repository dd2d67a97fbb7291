import { defined } from '../../../domain/defined.ts';
import { BackendError, type BackendErrorCode } from '../../backend-error.ts';
import { plainText } from '../../http/plain-text.ts';
import { retryAfterMs } from '../../http/retry-after.ts';

/** An answer without success. */
export type FailedAnswer = {
  status: number;
  /** Its beginning. */
  body: string;
  retryAfter: string | undefined;
  /** Of a redirect: where to. */
  location: string | undefined;
};

type Verdict = { code: BackendErrorCode; retryable: boolean; advice?: string };

const PROXY = 'check the URL: the answer comes not from xCAT, but from a proxy in front of it or from its web server';
const LARGE = 'raise the request limit of the proxy in front of xCAT';

/**
 * The failure of an answer that is no success (docs/reference/xcat.md 1.3). Proxies and a management node that is being started or repaired
 * answer with any status and page: a failure is permanent only when it says so, in xCAT's own words or by its status, and transient
 * otherwise.
 */
export function httpFailure(operation: string, answer: FailedAnswer): BackendError {
  const { status, body, retryAfter } = answer;
  const text = plainText(body);
  const where = status >= 300 && status < 400 ? redirectText(answer.location) : '';
  const message = `${operation}: HTTP ${status}${where}${text === '' ? '' : `: ${text}`}`;
  const pause = status === 429 || status === 503 ? retryAfterMs(retryAfter) : undefined;
  return new BackendError({
    operation,
    message,
    ...verdictOn(status, body, text),
    ...defined({ retryAfterMs: pause }),
  });
}

function verdictOn(status: number, body: string, text: string): Verdict {
  if (status === 401) return { code: 'unauthorised', retryable: false };
  if (isPermanent(status, body)) {
    const unknown = status === 403 && /noderange/i.test(text);
    const advice = [413, 414, 431].includes(status) ? { advice: LARGE } : {};
    return { code: unknown ? 'unknown-node' : 'refused', retryable: false, ...advice };
  }
  if (status === 408) return { code: 'timeout', retryable: true };
  if (status === 429 || status === 502 || status === 503 || status === 504) return { code: 'busy', retryable: true };
  return status === 500
    ? { code: 'bad-answer', retryable: true }
    : { code: 'bad-answer', retryable: true, advice: PROXY };
}

/** The words and the form in which the CGI itself refuses (docs/reference/xcat.md 1.3), and statuses that no waiting changes. */
function isPermanent(status: number, body: string): boolean {
  switch (status) {
    case 400:
      return !body.includes('<') && !/^\s*(400 )?(bad request)?\W*$/i.test(body);
    case 403:
      return /^\s*<p>[^<>]*<\/p>\s*$/.test(body);
    case 404:
      return /^\s*Resource '[^']*' does not exist/.test(body) || /^\s*\{"data":.*Could not find an object/s.test(body);
    case 405:
      return /^\s*request method '[^']*' is not supported on resource/.test(body);
    case 410:
    case 413:
    case 414:
    case 431:
    case 501:
    case 505:
      return true;
    default:
      return false;
  }
}

/** Where a redirect goes, without what a query may hold. */
function redirectText(location: string | undefined): string {
  const url = location === undefined ? null : URL.parse(location, 'https://management-node.invalid');
  if (url === null) return ', a redirect';
  const host = url.host === 'management-node.invalid' ? '' : url.host;
  return `, a redirect to ${plainText(`${host}${url.pathname}`).slice(0, 100)}`;
}
