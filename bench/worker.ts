import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { localTarget } from '../client/temporal-connection.ts';
import type { HostConfiguration } from '../configuration/load.ts';
import { keepHeapsSmall } from '../runtime/host/host-worker.ts';
import { runWorkers } from '../runtime/host/run-workers.ts';
import { createLogger, installTemporalRuntime } from '../runtime/process/logging.ts';

/** The worker of a benchmark in a process of its own, whose CPU and memory can be told from the rest; its one argument says where. */
const { hosts, address, namespace, bundleFile, reconcileTimes } = z
  .object({
    hosts: z.array(z.custom<HostConfiguration>()),
    address: z.string(),
    namespace: z.string(),
    bundleFile: z.string(),
    /** Without them the host has no Schedule. */
    reconcileTimes: z.object({ intervalSeconds: z.number(), sweepSeconds: z.number() }).optional(),
  })
  .parse(JSON.parse(process.argv[2] ?? ''));
const logger = createLogger('error');
keepHeapsSmall();
installTemporalRuntime(logger);
// The source map is in the code.
const bundle = { code: await readFile(bundleFile, 'utf8'), sourceMap: '' };
const workers = await runWorkers(hosts, localTarget(address, namespace), logger, reconcileTimes, undefined, { bundle });
process.stdout.write('ready\n');
await once(process, 'SIGTERM');
await workers.stop();
