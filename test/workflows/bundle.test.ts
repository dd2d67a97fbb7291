import { expect, test } from 'vitest';
import { bundleWorkflows } from '../../runtime/host/workflow-bundle.ts';

test('the bundle of the workflows holds no zod: it would be loaded anew for every run', async () => {
  const { code } = await bundleWorkflows();
  expect(code).toContain('convergeGuest');
  expect(code).not.toContain('ZodError');
});
