import type { Logger } from 'pino';
import type { HostConfiguration } from '../configuration/configuration.ts';
import { createXcatClient, type XcatClient } from '../xcat/client.ts';

/** A client of the xCAT that a host is configured with; connects at the first call. */
export function xcatOf({ host, xcat }: HostConfiguration, logger: Logger): XcatClient {
  const { url, username, password, timeoutSeconds, caFile, verifyTls, credentialsInQuery, maxAnswerMebibytes } = xcat;
  return createXcatClient({
    url,
    username,
    password,
    timeoutMs: timeoutSeconds * 1_000,
    ...(caFile === undefined ? {} : { caFile }),
    verifyTls,
    credentialsInQuery,
    ...(maxAnswerMebibytes === undefined ? {} : { maxAnswerBytes: maxAnswerMebibytes * 1024 * 1024 }),
    // The simulated management node is on this machine: nobody can read along there.
    onWarning: (warning: string) => logger[isLoopback(url) ? 'debug' : 'warn']({ host }, warning),
  });
}

function isLoopback(url: string): boolean {
  return /^(127(\.\d+){3}|localhost|\[::1\])$/.test(new URL(url).hostname);
}
