import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { Logger } from 'pino';

/** The health of a process. That it answers at all shows that its event loop turns. */
export type Health = {
  /** Why only a restart helps; undefined while the process works, also when it is slow or stopping. */
  broken(): string | undefined;
  /** Why it takes no work now; undefined while it does. */
  unready(): string | undefined;
};

/** systemd's own variables. */
type ServiceVariables = { NOTIFY_SOCKET?: string | undefined; WATCHDOG_USEC?: string | undefined };

const READY_LOOK_MS = 1_000;

/**
 * Tell how a process is until `close`: to probes at `address`, if there is one, and to systemd when that asks for it by `Type=notify` and `WatchdogSec`.
 * Throws when nothing can listen there.
 */
export async function tellHealth(
  health: Health,
  address: { host: string; port: number } | undefined,
  logger: Logger,
  env: ServiceVariables = process.env,
): Promise<{ close(): void }> {
  const ends = [tellServiceManager(health, logger, env)];
  if (address !== undefined) ends.push(await answerProbes(health, address));
  return {
    close() {
      for (const end of ends) end();
    },
  };
}

async function answerProbes({ broken, unready }: Health, { host, port }: { host: string; port: number }) {
  const questions: Record<string, () => string | undefined> = { '/healthz': broken, '/readyz': unready };
  const server = createServer((request, response) => {
    const ask = questions[request.url ?? ''];
    const problem = ask?.();
    response.writeHead(ask === undefined ? 404 : problem === undefined ? 200 : 503, { 'content-type': 'text/plain' });
    response.end(ask === undefined ? 'ask /healthz or /readyz\n' : `${problem ?? 'ok'}\n`);
  });
  await once(server.listen(port, host), 'listening');
  server.unref();
  return () => void server.close();
}

/** By systemd's own command, since Node has no datagram sockets in the file system. */
function tellServiceManager({ broken, unready }: Health, logger: Logger, env: ServiceVariables): () => void {
  if (env.NOTIFY_SOCKET === undefined) return () => {};
  const tell = (word: string) =>
    execFile('systemd-notify', [word], (error) => {
      if (error !== null) logger.warn({ word, reason: error.message }, 'systemd could not be told');
    });
  const ready = setInterval(() => {
    if (unready() !== undefined) return;
    clearInterval(ready);
    tell('READY=1');
  }, READY_LOOK_MS).unref();
  const watchdogMs = Number(env.WATCHDOG_USEC ?? 0) / 1_000;
  const lives = () => void (broken() === undefined && tell('WATCHDOG=1'));
  const watchdog = watchdogMs > 0 ? setInterval(lives, watchdogMs / 3).unref() : undefined;
  return () => {
    clearInterval(ready);
    clearInterval(watchdog);
  };
}
