import { hasWork } from '../client/host-work.ts';
import { configuredTarget, connectClient, TEMPORAL_VARIABLES } from '../client/temporal-connection.ts';
import { runProgram, type Values } from '../command-line/program.ts';
import { hasReconcileSchedule } from '../runtime/host/reconcile-schedule.ts';
import { CONFIGURATION_OPTIONS, CONFIGURATION_VARIABLES, configurationOf } from '../runtime/process/configuration.ts';

async function main(files: Values<typeof CONFIGURATION_OPTIONS>): Promise<void> {
  const hosts = configurationOf(files).hosts.map(({ host }) => host);
  const { client, close } = await connectClient(configuredTarget());
  // Its first worker makes a host's Schedule.
  const needsWorker = async (host: string) => !(await hasReconcileSchedule(client, host)) || hasWork(client, host);
  const needing = await Promise.all(hosts.map(async (host) => ((await needsWorker(host)) ? [host] : [])));
  const names = needing.flat();
  process.stdout.write(names.length === 0 ? 'no work waits\n' : `work waits for ${names.join(', ')}\n`);
  process.exitCode = names.length === 0 ? 1 : 0;
  await close();
}

runProgram(
  {
    name: 'work-waits',
    does: 'Tells whether a worker of the hosts that the files describe has something to do, for a timer that starts one on demand.',
    options: CONFIGURATION_OPTIONS,
    environment: { ...CONFIGURATION_VARIABLES, ...TEMPORAL_VARIABLES },
    exit: { 0: 'work waits', 1: 'no work waits, or failed; standard error has the reason' },
    example: '--config-file /etc/networking-zvm/zvm.ini',
  },
  main,
);
