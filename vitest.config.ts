import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    setupFiles: ['test/quiet-temporal.ts'],
    globalSetup: ['test/global-temporal.ts'],
    testTimeout: 120_000,
    hookTimeout: 300_000,
    // A loaded machine takes its time; what does not become so is told before the test's own time is over.
    expect: { poll: { timeout: 90_000 } },
    pool: 'forks',
    maxWorkers: 2,
  },
});
