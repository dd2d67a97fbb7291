import { defineConfig } from 'vitest/config';
import { LongestFirst } from './test/longest-first.ts';

/** Tests that start no Temporal and leave nothing behind in their process. */
const UNIT = [
  'test/*.test.ts',
  'test/{activities,backend,bench,client,command-line,configuration,domain,simulator}/**/*.test.ts',
  'test/chaos/{checker,model,order,requests}.test.ts',
  'test/gateway/{forms,pages}.test.ts',
  'test/model/{pan-output,trace}.test.ts',
  'test/neutron/{recorded,rest}.test.ts',
  'test/neutron/tempest/*.test.ts',
  'test/notifications/webhook.test.ts',
];

const limits = {
  testTimeout: 240_000,
  hookTimeout: 300_000,
  // A loaded machine takes its time; a condition that does not come true is told before the test's own time is over.
  expect: { poll: { timeout: 90_000 } },
};

export default defineConfig({
  test: {
    // Most of the time a test waits for a server.
    maxWorkers: 4,
    sequence: { sequencer: LongestFirst },
    // Temporal's client tries a call again by a timer that the end of its connection does not stop: it throws when a test has closed it meanwhile.
    onUnhandledError: ({ message }) => (message === 'Channel has been shut down' ? false : undefined),
    projects: [
      { test: { ...limits, name: 'unit', include: UNIT, pool: 'threads', isolate: false } },
      {
        test: {
          ...limits,
          name: 'real',
          include: ['test/**/*.test.ts'],
          exclude: UNIT,
          setupFiles: ['test/quiet-temporal.ts'],
          globalSetup: ['test/global-temporal.ts'],
          pool: 'forks',
        },
      },
    ],
  },
});
