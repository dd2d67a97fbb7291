import { type Configuration, loadConfiguration } from '../../configuration/configuration.ts';

const NO_FILES: string[] = [];

/** How the processes of a deployment are told their ini files, as OpenStack's services are: options of `parseArgs`. */
export const CONFIGURATION_ARGUMENTS = {
  'config-file': { type: 'string', multiple: true, default: NO_FILES },
  'config-dir': { type: 'string', multiple: true, default: NO_FILES },
} as const;

/** Files and directories that are named on a command line. */
export type ConfigurationArguments = { 'config-file': string[]; 'config-dir': string[] };

/** Read the files that are named. Throws a ConfigurationError with all that is wrong in them. */
export function configurationOf(values: ConfigurationArguments): Configuration {
  return loadConfiguration({
    configFiles: values['config-file'],
    configDirs: values['config-dir'],
    env: process.env,
  });
}
