import type { TestProject } from 'vitest/node';
import { findTemporalServer, startTemporalServer } from '../temporal-config/dev-server/temporal-server.ts';

declare module 'vitest' {
  interface ProvidedContext {
    temporalAddress: string;
    temporalNamespace: string;
  }
}

/** One Temporal server for the whole test run; vitest asks for a default export. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const say = (line: string) => process.stderr.write(`${line}\n`);
  // Tests start and stop their own server, whatever server the machine is configured for.
  const { TEMPORAL_ADDRESS: _address, TEMPORAL_PROFILE: _profile, TEMPORAL_CONFIG_FILE: _file, ...env } = process.env;
  const found = await findTemporalServer({ say, env });
  if (found.kind === 'external')
    throw new Error(`tests do not run on the server at ${found.address}: unset its configuration`);
  const server = await startTemporalServer({ binary: found.path, say });
  project.provide('temporalAddress', server.address);
  project.provide('temporalNamespace', server.namespace);
  return () => server.stop();
}
