import { localTarget } from '../../client/temporal-connection.ts';
import { runWorkers } from '../../runtime/host/run-workers.ts';
import { createLogger, installTemporalRuntime } from '../../runtime/process/logging.ts';
import { bundleReworded } from './reworded-workflows.ts';

/** A worker in a process of its own, so that a test can kill it. The host's configuration is the one argument; `isReworded` takes another build. */
const { configuration, address, namespace, isReworded } = JSON.parse(process.argv[2] ?? '{}');
const logger = createLogger('error');
installTemporalRuntime(logger);
const build = isReworded === true ? { bundle: await bundleReworded() } : {};
await runWorkers([configuration], localTarget(address, namespace), logger, undefined, undefined, build);
process.stdout.write('ready\n');
