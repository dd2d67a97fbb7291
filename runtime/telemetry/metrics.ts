import type { MetricMeter } from '@temporalio/common';
import { BackendError } from '../../backend/backend-error.ts';
import { type ObservedCall, type ObservedChain, observedCalls, observedChains } from '../../backend/observation.ts';
import { observe } from './observe.ts';

const BUCKETS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300];

/** Bounds of the histograms below, in seconds. */
export const HISTOGRAM_BUCKETS = {
  zvm_call_duration_seconds: BUCKETS,
  zvm_command_duration_seconds: BUCKETS,
};

/** Measure calls to xCAT and Feilong, and commands for z/VM, of this process. Ends by the function that it answers. */
export function measureBackends(meter: MetricMeter): () => void {
  const calls = meter.createCounter('zvm_calls', undefined, 'Calls to a management server, by kind and outcome');
  const callTime = meter.createHistogram('zvm_call_duration', 'float', 'seconds', 'Time of a call');
  const commands = meter.createCounter('zvm_commands', undefined, 'Commands for z/VM, by function and return code');
  const chainTime = meter.createHistogram(
    ...(['zvm_command_duration', 'float', 'seconds'] as const),
    'Time from the hand-over of a chain of commands to its outcome, by lane',
  );
  const ends = [
    observe<ObservedCall>(observedCalls, (seen) => {
      const seconds = stopwatch();
      return (error) => {
        const { host, server } = seen;
        calls.add(1, { host, server, kind: kindOf(seen), outcome: outcomeOf(seen, error) });
        callTime.record(seconds(), { host, server, kind: kindOf(seen) });
      };
    }),
    observe<ObservedChain>(observedChains, (seen) => {
      const seconds = stopwatch();
      return (error) => {
        const { host, lane, commands: all } = seen;
        chainTime.record(seconds(), { host, lane });
        if (error !== undefined) return;
        for (const { name, exitStatus, rc = exitStatus, rs = 0 } of all)
          if (rc !== undefined) commands.add(1, { host, function: name, code: rc === 0 ? 'ok' : `${rc}/${rs}` });
      };
    }),
  ];
  return () => {
    for (const end of ends) end();
  };
}

function stopwatch(): () => number {
  const began = performance.now();
  return () => (performance.now() - began) / 1_000;
}

/** Method and first part of the path: names of nodes and guests would make a series each. */
function kindOf({ operation }: ObservedCall): string {
  const [method = '', path = ''] = operation.split(' ');
  const [, resource = '', , action] = path.split('/');
  return `${method} /${resource}${action === undefined ? '' : `/*/${action}`}`;
}

function outcomeOf({ status }: ObservedCall, error: unknown): string {
  if (error instanceof BackendError) return error.code;
  if (error !== undefined) return 'cancelled';
  return status !== undefined && status >= 200 && status <= 299 ? 'ok' : `status ${status}`;
}
