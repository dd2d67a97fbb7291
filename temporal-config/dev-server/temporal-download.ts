import { Runtime } from '@temporalio/worker';

// A separate process of temporal-binary.ts: the SDK's download cannot be cancelled, but a process can be ended. The download also needs the SDK's
// runtime, of which a process has only one, for the worker and its logger.
const [downloadDir, sdkVersion] = process.argv.slice(2);
if (downloadDir === undefined || sdkVersion === undefined)
  throw new Error('usage: temporal-download DIRECTORY VERSION');

const runtime = Runtime.instance();
try {
  // The SDK offers the download only as part of starting a server.
  const server = await runtime.createEphemeralServer({
    type: 'dev-server',
    exe: { type: 'cached-download', downloadDir, version: 'default', ttl: 0, sdkName: 'sdk-typescript', sdkVersion },
    namespace: 'default',
    ip: '127.0.0.1',
    port: null,
    uiPort: null,
    dbFilename: null,
    ui: false,
    log: { format: 'pretty', level: 'error' },
    extraArgs: [],
  });
  await runtime.shutdownEphemeralServer(server);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
  process.exitCode = 1;
}
