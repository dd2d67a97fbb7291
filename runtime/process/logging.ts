import { DefaultLogger, Runtime } from '@temporalio/worker';
import { type Logger, pino } from 'pino';

/** Where a secret could stand in a log entry; `taskToken` lets its holder complete an activity (contracts/temporal.md 5). */
const SECRETS = ['password', 'xcat.password', '*.password', '*.*.password', 'taskToken', '*.taskToken'];

/** The logger of a process, to standard error: standard output belongs to what the process is asked to print. */
export function createLogger(level: string): Logger {
  const redact = { paths: SECRETS, censor: '[redacted]' };
  return pino({ level, redact, serializers: { error: whatFailed } }, pino.destination(2));
}

/** What was said to fail in its words, cause by cause; a defect with the place where it is. A workflow's failures come without a stack. */
function whatFailed(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const { message, stack } = pino.stdSerializers.err(error);
  return stack === '' || error.name.endsWith('Failure') ? message : stack;
}

/**
 * Make Temporal's workers log through this logger. Once per process, before any connection. `shutdownSignals` are taken from Temporal: the
 * process ends its workers itself.
 */
export function installTemporalLogger(logger: Logger): void {
  const levels = { TRACE: 'trace', DEBUG: 'debug', INFO: 'info', WARN: 'warn', ERROR: 'error' } as const;
  Runtime.install({
    shutdownSignals: [],
    logger: new DefaultLogger('INFO', ({ level, message, meta }) => logger[levels[level]](meta ?? {}, message)),
    telemetryOptions: { logging: { forward: {}, filter: { core: 'WARN', other: 'WARN' } } },
  });
}
