import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../command-line/program.ts';
import { freePorts } from '../temporal-config/dev-server/free-ports.ts';
import { startTemporalServer, type TemporalServer } from '../temporal-config/dev-server/temporal-server.ts';

const ATTEMPTS = 3;

/** The development server on a database file. It is killed and restarted on the same file and ports. */
export class RestartableTemporal {
  readonly address: string;
  /** The times of its restarts, in milliseconds. */
  readonly backAfter: number[] = [];
  private readonly binary: string;
  private readonly databaseFile: string;
  private readonly port: number;
  private readonly uiPort: number;
  private readonly say: (line: string) => void;
  private server: TemporalServer | undefined;

  private constructor(binary: string, databaseFile: string, ports: readonly number[], say: (line: string) => void) {
    [this.port = 0, this.uiPort = 0] = ports;
    this.binary = binary;
    this.databaseFile = databaseFile;
    this.say = say;
    this.address = `127.0.0.1:${this.port}`;
  }

  static async start(binary: string, databaseFile: string, say: (line: string) => void): Promise<RestartableTemporal> {
    const temporal = new RestartableTemporal(binary, databaseFile, await freePorts(2), say);
    await temporal.bringUp();
    return temporal;
  }

  /** True while its process lives: a server that ended by itself differs from one that answers wrongly. */
  get lives(): boolean {
    try {
      return this.server !== undefined && process.kill(this.server.pid, 0);
    } catch {
      return false;
    }
  }

  /** End the server and wait for its end. */
  async end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    const { server } = this;
    this.server = undefined;
    if (server === undefined) return;
    if (signal === 'SIGKILL') kill(server.pid);
    await server.stop();
  }

  /** Start it on its file. Throws an Error after several failed attempts. */
  async bringUp(): Promise<void> {
    const { binary, databaseFile, port, uiPort } = this;
    for (let attempt = 1; this.server === undefined; attempt += 1) {
      const started = performance.now();
      try {
        this.server = await startTemporalServer({ binary, databaseFile, port, uiPort, say: () => {} });
        this.backAfter.push(Math.round(performance.now() - started));
      } catch (error) {
        this.say(`Temporal does not restart: ${messageOf(error)}`);
        if (attempt === ATTEMPTS) throw error;
        await sleep(1_000);
      }
    }
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // The server has ended already.
  }
}
