import { type Configuration, loadConfiguration } from '../../configuration/load.ts';

const NO_FILES: string[] = [];

/** The options of `parseArgs` that name the ini files, as for OpenStack's services. */
export const CONFIGURATION_ARGUMENTS = {
  'config-file': { type: 'string', multiple: true, default: NO_FILES },
  'config-dir': { type: 'string', multiple: true, default: NO_FILES },
} as const;

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

/**
 * Print the failure and exit with 1. Open connections would keep the process alive, but its supervisor has to notice the end in order to restart it.
 */
export function endWithFailure(failure: unknown, advice = ''): never {
  process.stderr.write(`${failure instanceof Error ? failure.message : String(failure)}${advice}\n`);
  process.exit(1);
}
