import { readdirSync, unwatchFile, watchFile } from 'node:fs';
import { join } from 'node:path';
import type { Logger } from 'pino';
import type { Configuration, HostConfiguration } from '../../configuration/configuration.ts';
import { ConfigurationError } from '../../configuration/error.ts';
import { type ConfigurationArguments, configurationOf } from './configuration-arguments.ts';

const LOOK_MS = 1_000;

/** A configuration as its files say now, read again when one of them changes or when asked. */
export type WatchedConfiguration = {
  /** Hand what is read to who uses it. */
  use(take: (host: HostConfiguration) => void): void;
  readAgain(): void;
  close(): void;
};

/**
 * Keep to the files of a configuration, and to the CA files that it names: user, password and certificates of xCAT are taken as they are now. Of
 * other changes is said that they wait for a restart. Files that have become wrong are reported, and what was read last stays.
 */
export function watchConfiguration(
  files: ConfigurationArguments,
  first: Configuration,
  logger: Logger,
): WatchedConfiguration {
  let take: ((host: HostConfiguration) => void) | undefined;
  let watched: string[] = [];
  let waiting = '';
  const started = withoutAccess(first);
  const running = new Set(first.hosts.map(({ host }) => host));
  const readAgain = () => {
    try {
      const configuration = configurationOf(files);
      logger.info({ hosts: configuration.hosts.map(({ host }) => host) }, 'configuration read');
      for (const host of configuration.hosts) if (running.has(host.host)) take?.(host);
      const now = withoutAccess(configuration);
      if (now !== started && now !== waiting)
        logger.warn(
          'the configuration has changes beside users, passwords and certificates of xCAT: they wait for a restart',
        );
      waiting = now;
      watch(configuration);
    } catch (error) {
      if (!(error instanceof ConfigurationError)) throw error;
      logger.error({ reason: error.message }, 'the configuration read before stays');
    }
  };
  const watch = (configuration: Configuration) => {
    const named = filesOf(files, configuration);
    for (const file of watched.filter((each) => !named.includes(each))) unwatchFile(file, readAgain);
    // Looking at it now and then finds a file that was replaced too, on any file system.
    for (const file of named.filter((each) => !watched.includes(each)))
      watchFile(file, { interval: LOOK_MS, persistent: false }, readAgain);
    watched = named;
  };
  watch(first);
  return {
    use(taker) {
      take = taker;
      // What has changed since the first reading.
      readAgain();
    },
    readAgain,
    close: () => {
      for (const file of watched) unwatchFile(file, readAgain);
    },
  };
}

function filesOf(files: ConfigurationArguments, { hosts }: Configuration): string[] {
  const ofDirectories = files['config-dir'].flatMap((directory) => [directory, ...listed(directory)]);
  const authorities = hosts.flatMap(({ xcat }) => xcat.caFile ?? []);
  return [...new Set([...files['config-file'], ...ofDirectories, ...authorities])];
}

function listed(directory: string): string[] {
  try {
    return readdirSync(directory).map((name) => join(directory, name));
  } catch {
    return [];
  }
}

/** What does not change before a restart. */
function withoutAccess({ hosts, ...rest }: Configuration): string {
  return JSON.stringify({ ...rest, hosts: hosts.map(({ xcat, ...host }) => ({ ...host, xcat: xcat.url })) });
}
