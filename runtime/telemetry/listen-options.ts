import { isIP } from 'node:net';
import { UsageError, wholeNumber } from '../../command-line/program.ts';

/** The option of a program that serves metrics. */
export const METRICS_OPTION = {
  metrics: { type: 'string', value: 'ADDRESS:PORT', help: 'serve metrics for Prometheus there, at /metrics' },
} as const;

/** The address of the option, as Temporal's runtime takes it. Throws a UsageError. */
export function metricsAddress(given: string | undefined): string | undefined {
  if (given === undefined) return undefined;
  const [, address = '', port = ''] = /^\[?([^[\]]*)\]?:(\d+)$/.exec(given) ?? [];
  if (isIP(address) === 0) throw new UsageError('--metrics: must be an IP address and a port, as in 127.0.0.1:9464');
  return `${isIP(address) === 6 ? `[${address}]` : address}:${wholeNumber('--metrics', port, 1, 65_535)}`;
}
