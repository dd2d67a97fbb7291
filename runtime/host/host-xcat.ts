import { readFileSync } from 'node:fs';
import type { Logger } from 'pino';
import { createXcatClient, type XcatClient, type XcatClientOptions } from '../../backend/xcat/rest/client.ts';
import { createRenewableTransport } from '../../backend/xcat/rest/renewable-transport.ts';
import { digestOf } from '../../client/digest.ts';
import type { HostConfiguration } from '../../configuration/load.ts';

/** A client whose user, password and certificates can change while it is used. */
export type RenewableXcat = XcatClient & {
  /** Take what the configuration and its CA file say now. False when that is what is used already. Throws an XcatError when it cannot be used. */
  renew(configuration: HostConfiguration): boolean;
};

/** A client of the xCAT that a host is configured with; connects at the first call. */
export function xcatOf(configuration: HostConfiguration, logger: Logger): RenewableXcat {
  const options = optionsOf(configuration, logger);
  const transport = createRenewableTransport(options);
  let used = digestOfAccess(configuration);
  return {
    ...createXcatClient(options, transport),
    renew(changed) {
      const now = digestOfAccess(changed);
      if (now === used) return false;
      // Another management node is another host's business: its name stands for it until the worker ends.
      transport.renew({ ...optionsOf(changed, logger), url: options.url });
      used = now;
      return true;
    },
  };
}

/** Renew a client, and say so. What cannot be used is reported, and what was used before stays. */
export function renewXcat(xcat: RenewableXcat, configuration: HostConfiguration, logger: Logger): void {
  const { host } = configuration;
  try {
    if (xcat.renew(configuration)) logger.info({ host }, 'user, password and certificates of xCAT read again');
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    logger.error({ host, reason }, 'user, password and certificates of xCAT known before stay');
  }
}

function optionsOf({ host, xcat }: HostConfiguration, logger: Logger): XcatClientOptions {
  const { url, username, password, timeoutSeconds, caFile, verifyTls, credentialsInQuery, maxAnswerMebibytes } = xcat;
  return {
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
  };
}

/** Tells whether user, password, time or certificates have changed. */
function digestOfAccess({ xcat: { server: _server, url: _url, ...access } }: HostConfiguration): string {
  return digestOf([access, access.caFile === undefined ? '' : textOf(access.caFile)]);
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    // The transport says what is wrong with it.
    return '';
  }
}

function isLoopback(url: string): boolean {
  return /^(127(\.\d+){3}|localhost|\[::1\])$/.test(new URL(url).hostname);
}
