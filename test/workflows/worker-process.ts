import { localTarget } from '../../client/temporal-connection.ts';
import { runWorkers } from '../../runtime/host/run-workers.ts';
import { createLogger, installTemporalLogger } from '../../runtime/process/logging.ts';

/** A worker in a process of its own, so that a test can kill it. The host's configuration is the one argument. */
const { configuration, address, namespace } = JSON.parse(process.argv[2] ?? '{}');
const logger = createLogger('error');
installTemporalLogger(logger);
await runWorkers([configuration], localTarget(address, namespace), logger);
process.stdout.write('ready\n');
