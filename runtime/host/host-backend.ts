import { readFileSync } from 'node:fs';
import type { Logger } from 'pino';
import type { ZvmBackend } from '../../backend/backend.ts';
import { createRenewableTransport } from '../../backend/http/renewable-transport.ts';
import { createXcatClient, type XcatClientOptions } from '../../backend/xcat/rest/client.ts';
import { createTransport } from '../../backend/xcat/rest/transport.ts';
import { createXcatBackend } from '../../backend/xcat/xcat-backend.ts';
import { digestOf } from '../../client/digest.ts';
import type { HostConfiguration } from '../../configuration/load.ts';
import { defined } from '../../domain/defined.ts';
import { AllowedVswitch, type ConfiguredRules, HostRules } from '../../domain/host/host.ts';

/** A backend whose user, password and certificates can change while it is used. */
export type RenewableBackend = ZvmBackend & {
  /** Take what the configuration and its CA file say now. False when that is what is used already. Throws a BackendError when it cannot be used. */
  renew(configuration: HostConfiguration): boolean;
};

/** The backend that a host is configured with; connects at the first call. Throws a ZodError when a name of it cannot be one of z/VM. */
export function backendOf(configuration: HostConfiguration, logger: Logger): RenewableBackend {
  const options = optionsOf(configuration, logger);
  const transport = createRenewableTransport(createTransport, options);
  let used = digestOfAccess(configuration);
  return {
    ...createXcatBackend(rulesOf(configuration), createXcatClient(options, transport)),
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

/** The rules of a host from its configuration; throws a ZodError when a name in it cannot be one of z/VM. */
export function rulesOf(configuration: HostConfiguration): ConfiguredRules {
  return HostRules.omit({ macPrefix: true }).parse({
    host: configuration.host,
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
    if (backend.renew(configuration)) logger.info({ host }, 'user, password and certificates of xCAT renewed');
  } catch (error) {
    logger.error(
      { host, reason: messageOf(error) },
      'user, password and certificates of xCAT not renewed: the previous ones stay in use',
    );
  }
}

function optionsOf({ host, xcat }: HostConfiguration, logger: Logger): XcatClientOptions {
  const { url, username, password, timeoutSeconds, caFile, verifyTls, credentialsInQuery, maxAnswerMebibytes } = xcat;
  return {
    url,
    username,
    password,
    timeoutMs: timeoutSeconds * 1_000,
    ...defined({ caFile }),
    verifyTls,
    credentialsInQuery,
    ...defined({ maxAnswerBytes: maxAnswerMebibytes && maxAnswerMebibytes * 1024 * 1024 }),
    // The simulated management node is on this machine: its traffic leaves no wire to read.
    onWarning: (warning: string) => logger[isLoopback(url) ? 'debug' : 'warn']({ host }, warning),
  };
}

/** True when user, password, timeout or certificates have changed. */
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

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
