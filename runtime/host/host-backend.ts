import { readFileSync } from 'node:fs';
import type { Logger } from 'pino';
import type { ZvmBackend } from '../../backend/backend.ts';
import { createFeilongBackend } from '../../backend/feilong/feilong-backend.ts';
import { createFeilongTransport, type FeilongOptions } from '../../backend/feilong/rest/transport.ts';
import { readText } from '../../backend/http/http-client.ts';
import { createRenewableTransport } from '../../backend/http/renewable-transport.ts';
import { createXcatClient, type XcatClientOptions } from '../../backend/xcat/rest/client.ts';
import { createTransport } from '../../backend/xcat/rest/transport.ts';
import { createXcatBackend } from '../../backend/xcat/xcat-backend.ts';
import { digestOf } from '../../client/digest.ts';
import type { HostConfiguration } from '../../configuration/load.ts';
import { defined } from '../../domain/defined.ts';
import { AllowedVswitch, type ConfiguredRules, HostRules, serverName } from '../../domain/host/host.ts';
import { messageOf } from '../../domain/text/error-message.ts';

/** A backend whose user, password and certificates can change while it is used. */
export type RenewableBackend = ZvmBackend & {
  /** Take what the configuration and its CA file say now. False when that is what is used already. Throws a BackendError when it cannot be used. */
  renew(configuration: HostConfiguration): boolean;
};

/** The backend that a host is configured with; connects at the first call. Throws a ZodError when a name of it cannot be one of z/VM. */
export function backendOf(configuration: HostConfiguration, logger: Logger): RenewableBackend {
  const rules = rulesOf(configuration);
  if (configuration.feilong !== undefined) {
    const options = (of: HostConfiguration) => feilongOptionsOf(of, logger);
    const transport = createRenewableTransport(createFeilongTransport, options(configuration));
    return renewable(configuration, createFeilongBackend(rules, transport), options, transport.renew);
  }
  const options = (of: HostConfiguration) => xcatOptionsOf(of, logger);
  const transport = createRenewableTransport(createTransport, options(configuration));
  const client = createXcatClient(options(configuration), transport);
  return renewable(configuration, createXcatBackend(rules, client), options, transport.renew);
}

function renewable<Options extends { url: string }>(
  first: HostConfiguration,
  backend: ZvmBackend,
  optionsOf: (configuration: HostConfiguration) => Options,
  renew: (options: Options) => void,
): RenewableBackend {
  const { url } = optionsOf(first);
  let used = digestOfAccess(first);
  return {
    ...backend,
    renew(changed) {
      const now = digestOfAccess(changed);
      if (now === used) return false;
      // Another server is another host's business: its name stands for it until the worker ends.
      renew({ ...optionsOf(changed), url });
      used = now;
      return true;
    },
  };
}

/** The rules of a host from its configuration; throws a ZodError when a name in it cannot be one of z/VM. */
export function rulesOf(configuration: HostConfiguration): ConfiguredRules {
  return HostRules.omit({ macPrefix: true }).parse({
    host: configuration.host,
    server: configuration.feilong === undefined ? 'xcat' : 'feilong',
    zhcpNode: configuration.zhcpNode,
    vswitches: configuration.physicalNetworks.map(({ name, ...vswitch }) =>
      AllowedVswitch.parse({ physicalNetwork: name, ...vswitch }),
    ),
    ...defined({
      dhcpUserid: configuration.dhcpUserid,
      dhcpHost: configuration.dhcpHost,
      managementNetwork: configuration.managementNetwork,
      capabilities: configuration.capabilities,
      ssiMembers: configuration.ssiMembers,
      reconcileMode: configuration.reconcileMode,
    }),
    makeDns: configuration.makeDns,
    directoryOnline: configuration.directoryOnline,
    ...defined({ wantedMacPrefix: configuration.macPrefix }),
    firstVdev: configuration.defaultNicVdev.toString(16),
  });
}

// A server that is down must not keep the worker from starting: workflows wait for it by themselves.
const LONGEST_CHECK_MS = 15_000;

/** Ask a host's server for its version before the worker starts, and report it. A failure is a warning, no more. */
export async function checkBackend(backend: ZvmBackend, host: string, logger: Logger): Promise<void> {
  const { kind } = backend;
  try {
    const { version, supported, advice } = await backend.check(AbortSignal.timeout(LONGEST_CHECK_MS));
    if (supported) logger.info({ host, version }, `${kind} answers`);
    else logger.error({ host, version }, advice ?? `this version of ${kind} is not supported`);
  } catch (error) {
    logger.warn({ host, reason: messageOf(error) }, `${kind} does not answer yet`);
  }
}

/** Renew a backend, and report it. Access that cannot be used is reported, and the access before stays. */
export function renewBackend(backend: RenewableBackend, configuration: HostConfiguration, logger: Logger): void {
  const { host } = configuration;
  try {
    if (backend.renew(configuration))
      logger.info({ host }, `user, password and certificates of ${serverName(backend.kind)} renewed`);
  } catch (error) {
    logger.error(
      { host, reason: messageOf(error) },
      `user, password and certificates of ${serverName(backend.kind)} not renewed: the previous ones stay in use`,
    );
  }
}

function xcatOptionsOf({ host, xcat }: HostConfiguration, logger: Logger): XcatClientOptions {
  if (xcat === undefined) throw new Error(`${host} is not managed by xCAT any more: restart the worker`);
  const { url, username, password, timeoutSeconds, caFile, verifyTls, credentialsInQuery, maxAnswerMebibytes } = xcat;
  return {
    host,
    url,
    username,
    password,
    timeoutMs: timeoutSeconds * 1_000,
    ...defined({ caFile }),
    verifyTls,
    credentialsInQuery,
    ...defined({ maxAnswerBytes: maxAnswerMebibytes && maxAnswerMebibytes * 1024 * 1024 }),
    onWarning: warner(host, url, logger),
  };
}

/** Throws a BackendError for a token file that cannot be read: calls without a token would be refused one by one. */
function feilongOptionsOf({ host, feilong }: HostConfiguration, logger: Logger): FeilongOptions {
  if (feilong === undefined) throw new Error(`${host} is not managed by Feilong any more: restart the worker`);
  const { url, tokenFile, username, password = '', timeoutSeconds, caFile, verifyTls } = feilong;
  return {
    host,
    url,
    timeoutMs: timeoutSeconds * 1_000,
    verifyTls,
    onWarning: warner(host, url, logger),
    ...defined({ caFile, basic: username === undefined ? undefined : { username, password } }),
    ...(tokenFile === undefined ? {} : { token: readText('Feilong', 'token file', tokenFile).trim() }),
  };
}

/** A server on this machine is mostly the simulator: its traffic leaves no wire to read. */
function warner(host: string, url: string, logger: Logger): (warning: string) => void {
  return (warning) => logger[isLoopback(url) ? 'debug' : 'warn']({ host }, warning);
}

/** True when user, password, timeout or certificates have changed. */
function digestOfAccess({ xcat, feilong }: HostConfiguration): string {
  const files = [(xcat ?? feilong)?.caFile, feilong?.tokenFile].map((file) => (file === undefined ? '' : textOf(file)));
  return digestOf([{ ...(xcat ?? feilong), url: '', server: '' }, files]);
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
