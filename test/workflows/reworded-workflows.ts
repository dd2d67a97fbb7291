import { join } from 'node:path';
import { bundleWorkflowCode, DefaultLogger, type WorkflowBundleWithSourceMap } from '@temporalio/worker';

const ROOT = join(import.meta.dirname, '../..');

/** The workflows with every sentence about a step reworded: another build, to which histories of today's fit. */
export function bundleReworded(): Promise<WorkflowBundleWithSourceMap> {
  return bundleWorkflowCode({
    workflowsPath: join(ROOT, 'workflows/index.ts'),
    payloadConverterPath: join(ROOT, 'workflows/untrusted-input.ts'),
    logger: new DefaultLogger('WARN'),
    webpackConfigHook: (config) => ({
      ...config,
      module: {
        ...config.module,
        rules: [
          ...(config.module?.rules ?? []),
          {
            test: /planning\/steps\.ts$/,
            enforce: 'post',
            use: join(import.meta.dirname, 'reword-loader.cjs'),
          },
        ],
      },
    }),
  });
}
