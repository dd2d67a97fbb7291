import { errors } from 'undici';
import { BackendError } from '../backend-error.ts';

const REASONS: readonly [codes: RegExp, reason: string][] = [
  [/^ECONNREFUSED$/, 'no server listens at its address'],
  [/^(ENOTFOUND|EAI_AGAIN)$/, 'its host name is unknown'],
  [/^(EHOSTUNREACH|ENETUNREACH|EHOSTDOWN|ENETDOWN)$/, 'its address is unreachable'],
  [/^ETIMEDOUT$/, 'its address does not answer'],
  [/^(ECONNRESET|EPIPE|ECONNABORTED|UND_ERR_SOCKET)$/, 'the connection was closed before the answer was complete'],
  [/^(EPROTO|ERR_SSL_)/, 'the server there does not use TLS'],
  [/^HPE_/, 'the answer there is not HTTP'],
  [/^UND_ERR_(DESTROYED|CLOSED|ABORTED)$/, 'this client was closed'],
];
const CERTIFICATE = /CERT|SELF_SIGNED|ISSUER|SIGNATURE|ALTNAME/;

/** The failure of a call that got no answer, with the reason that the network gave. `error` itself, which may hold credentials, is not kept. */
export function connectionFailure(
  server: string,
  operation: string,
  error: unknown,
  connectTimeoutMs: number,
): BackendError {
  if (error instanceof errors.ConnectTimeoutError) {
    const message = `${operation}: no connection within ${connectTimeoutMs / 1_000} s`;
    return new BackendError({ code: 'timeout', operation, message });
  }
  const code = codeOf(error);
  if (code !== undefined && CERTIFICATE.test(code)) {
    return new BackendError({
      code: 'unreachable',
      operation,
      message: `${operation}: the certificate of ${server}'s server is not trusted (${code})`,
      // Another certificate, or another CA file, which is read again when it changes, may come within the operation's time.
      advice: `set the CA file of the certificate of ${server}'s server`,
    });
  }
  const known = REASONS.find(([codes]) => codes.test(code ?? ''))?.[1];
  const reason = known ?? `the connection failed for an unknown reason`;
  const name = code ?? (error instanceof Error ? error.name : typeof error);
  return new BackendError({
    code: 'unreachable',
    operation,
    message: `${operation}: no answer from ${server}: ${reason} (${name})`,
  });
}

/** The first code in an error, what caused it, or what it is made of. */
function codeOf(error: unknown, depth = 0): string | undefined {
  if (!(error instanceof Error) || depth > 3) return undefined;
  if ('code' in error && typeof error.code === 'string' && error.code !== '') return error.code;
  const inner = error instanceof AggregateError ? error.errors : [error.cause];
  for (const each of inner) {
    const code = codeOf(each, depth + 1);
    if (code !== undefined) return code;
  }
  return undefined;
}
