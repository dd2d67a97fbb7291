import { isIP } from 'node:net';
import { UsageError, wholeNumber } from '../../command-line/program.ts';

/** The options of a program that serves metrics and answers probes. */
export const LISTEN_OPTIONS = {
  metrics: { type: 'string', value: 'ADDRESS:PORT', help: 'serve metrics for Prometheus there, at /metrics' },
  health: {
    type: 'string',
    value: 'ADDRESS:PORT',
    help: 'answer probes there: /healthz while the process works, /readyz while it takes work',
  },
} as const;

/** The address of an option. Throws a UsageError. */
export function addressOf(
  option: keyof typeof LISTEN_OPTIONS,
  given: string | undefined,
): { host: string; port: number } | undefined {
  if (given === undefined) return undefined;
  const [, host = '', port = ''] = /^\[?([^[\]]*)\]?:(\d+)$/.exec(given) ?? [];
  if (isIP(host) === 0) throw new UsageError(`--${option}: must be an IP address and a port, as in 127.0.0.1:9464`);
  return { host, port: wholeNumber(`--${option}`, port, 1, 65_535) };
}

/** The address of metrics, as Temporal's runtime takes it. Throws a UsageError. */
export function metricsAddress(given: string | undefined): string | undefined {
  const address = addressOf('metrics', given);
  return address && `${isIP(address.host) === 6 ? `[${address.host}]` : address.host}:${address.port}`;
}
