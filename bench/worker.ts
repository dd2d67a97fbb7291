import { once } from 'node:events';
import { z } from 'zod';
import { localTarget } from '../client/temporal-connection.ts';
import type { HostConfiguration } from '../configuration/load.ts';
import { runWorkers } from '../runtime/host/run-workers.ts';
import { createLogger, installTemporalLogger } from '../runtime/process/logging.ts';

/** The worker of a benchmark in a process of its own, whose CPU and memory can be told from the rest; its one argument says where. */
const { hosts, address, namespace } = z
  .object({ hosts: z.array(z.custom<HostConfiguration>()), address: z.string(), namespace: z.string() })
  .parse(JSON.parse(process.argv[2] ?? ''));
const logger = createLogger('error');
installTemporalLogger(logger);
const workers = await runWorkers(hosts, localTarget(address, namespace), logger);
process.stdout.write('ready\n');
await once(process, 'SIGTERM');
await workers.stop();
