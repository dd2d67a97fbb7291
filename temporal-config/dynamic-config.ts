/** One value of Temporal's dynamic config; durations are strings such as `25ms`. */
export interface DynamicConfigEntry {
  readonly key: string;
  readonly value: string | number | boolean;
}

/** The dynamic config values this project's server runs with; the numbers are measured in contracts/temporal.md, section 0. */
export const DYNAMIC_CONFIG: readonly DynamicConfigEntry[] = [
  // The default of 20 polls a second and shard makes every task hop wait up to 50 ms: a workflow with sequential
  // activities is stuck at 10 to 20 of them a second (contracts/temporal.md, fact 2).
  { key: 'history.transferProcessorMaxPollRPS', value: 2000 },
  // The timer queue has the same limit; raised along with the one above (contracts/temporal.md, section 2.3).
  { key: 'history.timerProcessorMaxPollRPS', value: 2000 },
  // With the default of 1 s every shorter timer takes 1 s, and so does every shorter activity retry interval
  // (contracts/temporal.md, fact 3).
  { key: 'history.timerProcessorMaxTimeShift', value: '25ms' },
  // Off by default in server 1.29, on in 1.32: said here so that both behave alike (contracts/temporal.md, fact 6).
  { key: 'system.enableActivityEagerExecution', value: true },
  // Each host has a deployment of its own (runtime/host/worker-build.ts). The server's limit of 100 would leave the hosts after it without work.
  { key: 'matching.maxDeployments', value: 10_000 },
];

/** The dynamic config as command line arguments of `temporal server start-dev`, which takes values as JSON. */
export function dynamicConfigArguments(entries: readonly DynamicConfigEntry[] = DYNAMIC_CONFIG): string[] {
  return entries.flatMap(({ key, value }) => ['--dynamic-config-value', `${key}=${JSON.stringify(value)}`]);
}
