import { DefaultLogger, Runtime } from '@temporalio/worker';

// Failing workflows are what many tests are about: what they log is no news.
Runtime.install({ logger: new DefaultLogger('ERROR'), shutdownSignals: [] });
