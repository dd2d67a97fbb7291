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

/**
 * Bundle the workflows. A worker keeps their code and source map in the memory of two threads: the map has lines alone, without the sources, which is
 * all that a stack trace shows; and V8 keeps each character of a text in two bytes as soon as one of them is not Latin.
 */
export async function bundleWorkflows(histories: Histories = 'plain'): Promise<WorkflowBundleWithSourceMap> {
  const { code, sourceMap } = await bundleWorkflowCode({
    workflowsPath: pathOf('index'),
    // Loaded once, and not for each run: no module keeps anything between runs (test/workflows/bundle.test.ts).
    preloadModules: ['index', 'run-telemetry', 'untrusted-input'].map(pathOf),
    workflowInterceptorModules: [pathOf('run-telemetry')],
    payloadConverterPath: pathOf('untrusted-input'),
    ...(histories === 'encrypted' ? { failureConverterPath: ENCODED_FAILURES } : {}),
    webpackConfigHook: (config) => ({ ...config, devtool: 'inline-nosources-cheap-module-source-map' }),
    // The bundler reports every module at INFO.
    logger: new DefaultLogger('WARN'),
  });
  return { code: code.replaceAll(BEYOND_ASCII, escaped), sourceMap };
}

const BEYOND_ASCII = /[\u0080-\uffff]/g;

/** The same character as the source of a text, a template or a pattern may write it. */
function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
