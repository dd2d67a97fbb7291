import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { freePorts } from '../../temporal-config/dev-server/free-ports.ts';
import { isListening, type Service, startService, until } from '../openstack/service.ts';
import { FILES, feilongPython } from './environment.ts';

/** A real Feilong server on 127.0.0.1, at home on the zHCP of a simulated z/VM system. */
export type Feilong = {
  url: string;
  /** The administrator's token, for which the server gives tokens; undefined when it asks for none. */
  token: string | undefined;
  /** Its logs, and the file of the token. */
  folder: string;
  tokenFile: string;
  /** Kill the process that works on z/VM, and bring it back; the other one goes on answering. */
  killWorker(): Promise<void>;
  startWorker(): Promise<void>;
  /** The number of HTTP calls to it so far. */
  calls(): Promise<number>;
  stop(): Promise<void>;
};

export type FeilongOptions = {
  /** The simulator, and the node of the zHCP on it. */
  simulatorUrl: string;
  zhcpNode: string;
  say(line: string): void;
  /** False for a server that asks for no token, its default with Nova. */
  auth?: boolean;
};

const START_MS = 120_000;

/** Install Feilong where it is not there, and start it. Its state is in a new folder, which goes with it. */
export async function startFeilong(options: FeilongOptions): Promise<Feilong> {
  const python = await feilongPython(options.say);
  const folder = await mkdtemp(join(tmpdir(), 'networking-zvm-feilong-'));
  const [restPort = 0, sdkPort = 0] = await freePorts(2);
  const token = options.auth === false ? undefined : randomBytes(21).toString('hex');
  const tokenFile = join(folder, 'token');
  await writeFile(tokenFile, token ?? '', { mode: 0o600 });
  await writeConfiguration(folder, sdkPort, token === undefined ? 'none' : tokenFile);
  await writeFile(join(folder, 'sysinfo'), await sysinfoOf(options));
  const zhcp = new URL(options.simulatorUrl);
  const env = {
    // Feilong reads ~/zvmsdk.conf when /etc has none.
    HOME: join(folder, 'home'),
    PATH: `${join(FILES, 'stand-ins')}:${process.env.PATH ?? ''}`,
    ZHCP_HOST: zhcp.hostname,
    ZHCP_PORT: zhcp.port,
    ZHCP_NODE: options.zhcpNode,
    ZHCP_SYSINFO: join(folder, 'sysinfo'),
  };
  const started = new Set<Service>();
  const start = async (name: string, args: string[], port: number): Promise<Service> => {
    const log = join(folder, 'log', `${name}.out`);
    const service = await startService(python, [join(FILES, 'process.py'), ...args], { log, env, cwd: folder });
    started.add(service);
    await until(`Feilong's ${name} did not listen`, START_MS, log, () => isListening(port));
    return service;
  };
  const stop = async () => {
    await Promise.all([...started].map((service) => service.stop()));
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  };
  const startWorker = () => start('sdkserver', ['sdk'], sdkPort);
  try {
    options.say('Feilong: starting the server …');
    const both = await Promise.all([startWorker(), start('wsgi', ['rest', String(restPort)], restPort)]);
    let [worker] = both;
    return {
      url: `http://127.0.0.1:${restPort}`,
      token,
      folder,
      tokenFile,
      killWorker: () => worker.kill(),
      startWorker: async () => {
        worker = await startWorker();
      },
      calls: async () => Number(await (await fetch(`http://127.0.0.1:${restPort}/calls-so-far`)).text()),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function writeConfiguration(folder: string, sdkPort: number, auth: 'none' | string): Promise<void> {
  for (const name of ['home', 'log', 'db', 'images', 'files']) await mkdir(join(folder, name));
  await writeFile(
    join(folder, 'home', 'zvmsdk.conf'),
    `[database]
dir=${join(folder, 'db')}/
[logging]
log_dir=${join(folder, 'log')}
[network]
my_ip=127.0.0.1
[wsgi]
${auth === 'none' ? 'auth=none' : `auth=token\ntoken_path=${auth}`}
[zvm]
user_profile=OSDFLT
[sdkserver]
bind_addr=127.0.0.1
bind_port=${sdkPort}
[image]
sdk_image_repository=${join(folder, 'images')}
[file]
file_repository=${join(folder, 'files')}
`,
  );
}

const State = z.object({ systems: z.record(z.string(), z.object({ release: z.string() })) });

/** The lines of /proc/sysinfo that Feilong reads. */
async function sysinfoOf({ simulatorUrl, zhcpNode }: FeilongOptions): Promise<string> {
  const state = State.parse(await (await fetch(new URL('/simulator/state', simulatorUrl))).json());
  const release = state.systems[zhcpNode]?.release;
  if (release === undefined) throw new Error(`the simulator has no zHCP ${zhcpNode}`);
  const lines = {
    Manufacturer: 'IBM',
    Type: '3931',
    'LPAR CPUs Total': '2',
    'LPAR CPUs Configured': '2',
    'VM00 Control Program': `z/VM    ${release}.0`,
  };
  return Object.entries(lines)
    .map(([name, value]) => `${`${name}:`.padEnd(22)}${value}\n`)
    .join('');
}
