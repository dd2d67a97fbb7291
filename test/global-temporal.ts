import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { bundleWorkflows } from '../runtime/host/workflow-bundle.ts';
import { findTemporalServer, startTemporalServer } from '../temporal-config/dev-server/temporal-server.ts';

declare module 'vitest' {
  interface ProvidedContext {
    temporalAddress: string;
    temporalNamespace: string;
    /** The file with the bundled workflows. */
    workflowBundle: string;
  }
}

/** One Temporal server and one bundle of the workflows for the whole test run; vitest asks for a default export. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const say = (line: string) => process.stderr.write(`${line}\n`);
  // Tests start and stop their own server, whatever server the machine is configured for.
  const { TEMPORAL_ADDRESS: _address, TEMPORAL_PROFILE: _profile, TEMPORAL_CONFIG_FILE: _file, ...env } = process.env;
  const found = await findTemporalServer({ say, env });
  if (found.kind === 'external')
    throw new Error(`tests do not run on the server at ${found.address}: unset its configuration`);
  const folder = await mkdtemp(join(tmpdir(), 'networking-zvm-tests-'));
  const workflowBundle = join(folder, 'workflow-bundle.js');
  const [server] = await Promise.all([
    startTemporalServer({ binary: found.path, say }),
    bundleWorkflows().then(({ code }) => writeFile(workflowBundle, code)),
  ]);
  project.provide('temporalAddress', server.address);
  project.provide('temporalNamespace', server.namespace);
  project.provide('workflowBundle', workflowBundle);
  return async () => {
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  };
}
