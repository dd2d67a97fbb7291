import { readFile } from 'node:fs/promises';
import type { WorkflowBundleWithSourceMap } from '@temporalio/worker';
import { inject } from 'vitest';

let read: Promise<WorkflowBundleWithSourceMap> | undefined;

/** The workflows of this package, bundled once for the whole test run: to bundle them costs seconds of CPU. */
export function bundledWorkflows(): Promise<WorkflowBundleWithSourceMap> {
  // The source map is in the code.
  read ??= readFile(inject('workflowBundle'), 'utf8').then((code) => ({ code, sourceMap: '' }));
  return read;
}
