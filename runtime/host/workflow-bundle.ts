import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, DefaultLogger, type WorkflowBundleWithSourceMap } from '@temporalio/worker';

const isSource = import.meta.url.endsWith('.ts');

/** The bundle that a build has made beforehand; none in a source tree. */
export const BUILT_BUNDLE = new URL('../../workflow-bundle.js', import.meta.url);

/** The workflows of this package, for all workers of a process: the bundle of a build, or bundled now from source. */
export async function workflowBundle(): Promise<WorkflowBundleWithSourceMap> {
  if (isSource) return bundleWorkflows();
  // The source map is in the code.
  return { code: await readFile(BUILT_BUNDLE, 'utf8'), sourceMap: '' };
}

/** Bundle the workflows. */
export function bundleWorkflows(): Promise<WorkflowBundleWithSourceMap> {
  const pathOf = (name: string) =>
    fileURLToPath(new URL(`../../workflows/${name}.${isSource ? 'ts' : 'js'}`, import.meta.url));
  return bundleWorkflowCode({
    workflowsPath: pathOf('index'),
    workflowInterceptorModules: [pathOf('run-telemetry')],
    payloadConverterPath: pathOf('untrusted-input'),
    // The bundler reports every module at INFO.
    logger: new DefaultLogger('WARN'),
  });
}
