import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, DefaultLogger, type WorkflowBundleWithSourceMap } from '@temporalio/worker';

const isSource = import.meta.url.endsWith('.ts');

function pathOf(name: string): string {
  return fileURLToPath(new URL(`../../workflows/${name}.${isSource ? 'ts' : 'js'}`, import.meta.url));
}

/** The module by which sentences of failures are payloads. */
export const ENCODED_FAILURES = pathOf('encoded-failures');

/** The bundles that a build has made beforehand; none in a source tree. */
export const BUILT_BUNDLES = {
  plain: new URL('../../workflow-bundle.js', import.meta.url),
  encrypted: new URL('../../workflow-bundle-encrypted.js', import.meta.url),
};

/** How histories are written. In encrypted ones the sentences of failures are payloads, too. */
export type Histories = keyof typeof BUILT_BUNDLES;

/** The workflows of this package, for all workers of a process: the bundle of a build, or bundled now from source. */
export async function workflowBundle(histories: Histories): Promise<WorkflowBundleWithSourceMap> {
  if (isSource) return bundleWorkflows(histories);
  // The source map is in the code.
  return { code: await readFile(BUILT_BUNDLES[histories], 'utf8'), sourceMap: '' };
}

/** Bundle the workflows. */
export function bundleWorkflows(histories: Histories = 'plain'): Promise<WorkflowBundleWithSourceMap> {
  return bundleWorkflowCode({
    workflowsPath: pathOf('index'),
    // Loaded once, and not for each run: no module keeps anything between runs (test/workflows/bundle.test.ts).
    preloadModules: ['index', 'run-telemetry', 'untrusted-input'].map(pathOf),
    workflowInterceptorModules: [pathOf('run-telemetry')],
    payloadConverterPath: pathOf('untrusted-input'),
    ...(histories === 'encrypted' ? { failureConverterPath: ENCODED_FAILURES } : {}),
    // The bundler reports every module at INFO.
    logger: new DefaultLogger('WARN'),
  });
}
