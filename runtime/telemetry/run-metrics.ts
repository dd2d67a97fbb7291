import type { MetricCounter, MetricGauge } from '@temporalio/common';
import { Runtime } from '@temporalio/worker';

let made: { ended: MetricCounter; waiting: MetricGauge } | undefined;

/** The metrics of runs; their meter is known once Temporal's runtime is. */
function runMetrics() {
  const meter = Runtime.instance().metricMeter;
  made ??= {
    ended: meter.createCounter('zvm_runs_ended', undefined, 'Ended runs by type and outcome'),
    waiting: meter.createGauge('zvm_guest_queue_length', 'int', undefined, 'Requests that wait in a guest queue'),
  };
  return made;
}

/** Count a run that has ended. */
export function countRun(run: { host: string; type: string; outcome: string }): void {
  runMetrics().ended.add(1, run);
}

/** Take the number of requests that wait for a guest. */
export function measureQueue({ waiting, ...guest }: { host: string; userid: string; waiting: number }): void {
  runMetrics().waiting.set(waiting, guest);
}
