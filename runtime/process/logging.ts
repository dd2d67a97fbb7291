import { DefaultLogger, Runtime } from '@temporalio/worker';
import { type Logger, pino } from 'pino';

/** The paths of secrets in a log entry; `taskToken` lets its holder complete an activity (contracts/temporal.md 5). */
const SECRETS = ['password', 'xcat.password', '*.password', '*.*.password', 'taskToken', '*.taskToken'];

/** The logger of a process. It writes to standard error; standard output is for results. */
export function createLogger(level: string): Logger {
  const redact = { paths: SECRETS, censor: '[redacted]' };
  return pino({ level, redact, serializers: { error: serializeError } }, pino.destination(2));
}

/** An error for the log: the messages of a failure and its causes, or the stack of a defect. A workflow's failures have no stack. */
function serializeError(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const { message, stack } = pino.stdSerializers.err(error);
  return stack === '' || error.name.endsWith('Failure') ? message : stack;
}

/**
 * Make Temporal's workers log through this logger. To be called once per process, before any connection. Temporal handles no `shutdownSignals`: the
 * process stops its workers itself.
 */
export function installTemporalLogger(logger: Logger): void {
  const levels = { TRACE: 'trace', DEBUG: 'debug', INFO: 'info', WARN: 'warn', ERROR: 'error' } as const;
  Runtime.install({
    shutdownSignals: [],
    logger: new DefaultLogger('INFO', ({ level, message, meta }) => logger[levels[level]](meta ?? {}, message)),
    telemetryOptions: { logging: { forward: {}, filter: { core: 'WARN', other: 'WARN' } } },
  });
}
