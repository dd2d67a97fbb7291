import { setTimeout as sleep } from 'node:timers/promises';
import { runProgram, type Values, wholeNumber } from '../command-line/program.ts';
import { STARTER } from '../demo/example-ports.ts';
import type { Stack } from '../demo/stack.ts';
import { isFree } from '../temporal-config/dev-server/free-ports.ts';
import { configuredServer, SERVER_VARIABLES } from '../temporal-config/dev-server/temporal-binary.ts';

const portOf = (what: string, port: number) =>
  ({ type: 'string', default: String(port), value: 'N', help: `the port of ${what}` }) as const;
const OPTIONS = {
  port: portOf('Temporal', 7233),
  'ui-port': portOf('the Temporal UI', 8233),
  'simulator-port': portOf('the simulated management node', 8080),
  'gateway-port': portOf('the HTTP API and the picture', 8088),
  guests: { type: 'string', default: String(STARTER.guestsPerHost), value: 'N', help: 'guests of each z/VM system' },
} as const;

/** The time for workers and server to end in order. All that they hold is temporary. */
const ORDERLY_END_MS = 1_500;

const say = (line: string) => process.stdout.write(`${line}\n`);

async function main(values: Values<typeof OPTIONS>): Promise<void> {
  const port = (name: keyof typeof OPTIONS) => wholeNumber(`--${name}`, values[name], 1, 65_535);
  const guestsPerHost = wholeNumber('--guests', values.guests, STARTER.guestsPerHost, 9_999);
  const own = { '--simulator-port': port('simulator-port'), '--gateway-port': port('gateway-port') };
  const server = { '--port': port('port'), '--ui-port': port('ui-port') };
  say(
    `Starting Temporal, a simulated xCAT management node with ${STARTER.hosts} z/VM systems, a worker for each, and the HTTP API. Ctrl-C ends all of it.`,
  );
  let stack: Stack | undefined;
  let isEnding = false;
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.on(signal, () => {
      // Ctrl-C comes twice: from the terminal, and from npm.
      if (!isEnding) void end(stack);
      isEnding = true;
    });
  await refuseTaken((await configuredServer(process.env)) === undefined ? { ...server, ...own } : own);
  // Loading them takes longer than the first line may.
  const { createLogger, installTemporalRuntime } = await import('../runtime/process/logging.ts');
  const { startStack } = await import('../demo/stack.ts');
  const { firstSteps, RECONCILE_SECONDS } = await import('../demo/first-steps.ts');
  installTemporalRuntime(createLogger('warn'));
  stack = await startStack({
    hosts: STARTER.hosts,
    guestsPerHost,
    say,
    ports: {
      grpc: server['--port'],
      ui: server['--ui-port'],
      simulator: own['--simulator-port'],
      gateway: own['--gateway-port'],
    },
    reconcileSeconds: RECONCILE_SECONDS,
  });
  const sayUnlessEnding = (line: string) => {
    if (!isEnding) say(line);
  };
  await firstSteps(stack, sayUnlessEnding).catch((error: unknown) => {
    // The parts that it talks to are gone.
    if (!isEnding) throw error;
  });
}

/** End all parts in order, or after a while without order. Parts that are still starting end with the process. */
async function end(stack: Stack | undefined): Promise<void> {
  say('Ending all of it …');
  await Promise.race([stack?.stop(), sleep(ORDERLY_END_MS)]);
  say('Ended.');
  process.exit();
}

/** Throws an Error that names each port that another program has, with its option. */
async function refuseTaken(ports: Record<string, number>): Promise<void> {
  const taken: string[] = [];
  for (const [option, port] of Object.entries(ports))
    if (!(await isFree(port))) taken.push(`${option} ${port}: address already in use on 127.0.0.1`);
  if (taken.length > 0)
    throw new Error(`${taken.join('\n')}\nStop the other program, or choose another port by the option.`);
}

runProgram(
  {
    name: 'start',
    does: 'Runs everything on embedded defaults, wires a few guests, and shows the repair of one, until SIGINT or SIGTERM.',
    options: OPTIONS,
    environment: SERVER_VARIABLES,
    exit: { 0: 'ended by a signal' },
    example: '--gateway-port 9088',
  },
  main,
);
