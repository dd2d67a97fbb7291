import { readdirSync, unwatchFile, watchFile } from 'node:fs';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { NONE } from '../../command-line/program.ts';
import { ConfigurationError } from '../../configuration/error.ts';
import {
  type Configuration,
  type HostConfiguration,
  loadConfiguration,
  serverUrlOf,
} from '../../configuration/load.ts';
import { defined } from '../../domain/defined.ts';

/** The options of a program that name the ini files, as for OpenStack's services. */
export const CONFIGURATION_OPTIONS = {
  'config-file': {
    type: 'string',
    multiple: true,
    default: NONE,
    value: 'FILE',
    help: 'an ini file; later ones win',
  },
  'config-dir': {
    type: 'string',
    multiple: true,
    default: NONE,
    value: 'DIRECTORY',
    help: 'a directory whose *.conf files are read after the files, by name',
  },
} as const;

/** The variables that stand above the files. */
export const CONFIGURATION_VARIABLES = {
  'ZVM_XCAT_USERNAME, ZVM_XCAT_PASSWORD': 'user and password of xCAT',
  ZVM_TRANSPORT_URL: "the URL of Neutron's message broker",
  ZVM_NEUTRON_PASSWORD: "the password for Neutron's API",
  ZVM_POLICY_FILE: 'the file with the policy of all hosts (docs/approval.md)',
  CREDENTIALS_DIRECTORY: 'the directory of the credentials that a `…_file` without a slash names; systemd sets it',
};

/** The files and directories of a command line. */
export type ConfigurationArguments = { 'config-file': string[]; 'config-dir': string[] };

/** Read the configuration from the files of the command line. Throws a ConfigurationError with all problems. */
export function configurationOf(values: ConfigurationArguments): Configuration {
  return loadConfiguration({
    configFiles: values['config-file'],
    configDirs: values['config-dir'],
    env: process.env,
  });
}

const LOOK_MS = 1_000;

/** A configuration that is read again when one of its files changes or on request. */
export type WatchedConfiguration = {
  /** Set the consumer of newly read host configurations. */
  use(take: (host: HostConfiguration) => void): void;
  readAgain(): void;
  close(): void;
};

/**
 * Watch the files of a configuration, and the CA and policy files that it names. A change of user, password or certificates of a host's servers, or of
 * the policy, takes effect at once; other changes are logged and wait for a restart. Files with a problem are reported, and the last configuration
 * stays in use.
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
          'the configuration has changes that need a restart: only users, passwords and certificates, and policies, are renewed',
        );
      waiting = now;
      watch(configuration);
    } catch (error) {
      if (!(error instanceof ConfigurationError)) throw error;
      logger.error({ reason: error.message }, 'new configuration not usable: the previous one stays in use');
    }
  };
  const watch = (configuration: Configuration) => {
    const named = filesOf(files, configuration);
    for (const file of watched.filter((each) => !named.includes(each))) unwatchFile(file, readAgain);
    // Polling also notices a replaced file, on any file system.
    for (const file of named.filter((each) => !watched.includes(each)))
      watchFile(file, { interval: LOOK_MS, persistent: false }, readAgain);
    watched = named;
  };
  watch(first);
  return {
    use(taker) {
      take = taker;
      // Picks up changes since the first reading.
      readAgain();
    },
    readAgain,
    close: () => {
      for (const file of watched) unwatchFile(file, readAgain);
    },
  };
}

function filesOf(files: ConfigurationArguments, { hosts, secretFiles = [] }: Configuration): string[] {
  const ofDirectories = files['config-dir'].flatMap((directory) => [directory, ...listed(directory)]);
  const ofServers = hosts
    .flatMap((host) => [host, host.shadow])
    .flatMap((server) => [server?.xcat?.caFile, server?.feilong?.caFile, server?.feilong?.tokenFile]);
  const named = [...ofServers, ...hosts.map(({ policyFile }) => policyFile)].filter((file) => file !== undefined);
  return [...new Set([...files['config-file'], ...ofDirectories, ...named, ...secretFiles])];
}

function listed(directory: string): string[] {
  try {
    return readdirSync(directory).map((name) => join(directory, name));
  } catch {
    return [];
  }
}

/** The part that changes only with a restart. */
function withoutAccess({ hosts, ...rest }: Configuration): string {
  return JSON.stringify({
    ...rest,
    hosts: hosts.map(({ xcat, feilong, shadow, policy: _renewed, ...host }) => ({
      ...host,
      servers: [defined({ xcat, feilong }), shadow ?? {}].map(serverUrlOf),
    })),
  });
}
