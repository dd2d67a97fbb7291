import { spawnSync } from 'node:child_process';
import { globSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePorts } from '../../temporal-config/dev-server/free-ports.ts';
import { isListening, type Service, startService, until } from './service.ts';

const START_MS = 120_000;
const USER = 'neutron';
const PASSWORD = 'neutron-secret';

/** A private RabbitMQ broker on 127.0.0.1 (docs/reference/neutron.md 1.3). */
export type Rabbit = {
  /** The URL for neutron.conf. */
  transportUrl: string;
  /** The broker's name in a cluster. */
  node: string;
  port: number;
  tlsPort: number | undefined;
  /** Stop and start again, on the same port and with the same data. */
  restart(whileDown?: () => Promise<void>): Promise<void>;
  /** Run this broker's rabbitmqctl and answer its output. Throws an Error with its messages when it fails. */
  control(...args: string[]): string;
  stop(): Promise<void>;
};

/** The parts that brokers of one cluster share. */
export type Cluster = { epmdPort: number; cookie: string };

/** Start a broker. With `tls` it also listens with that certificate; with `cluster` it can join the other brokers. */
export async function startRabbit(
  folder: string,
  tls?: { certificate: string; key: string },
  cluster?: Cluster,
): Promise<Rabbit> {
  const [port = 0, dist = 0, freeEpmd = 0, tlsPort = 0] = await freePorts(4);
  const epmd = cluster?.epmdPort ?? freeEpmd;
  const home = join(folder, 'rabbit');
  await mkdir(home, { recursive: true });
  await writeFile(join(home, 'enabled_plugins'), '[].');
  if (cluster !== undefined) await writeFile(join(home, '.erlang.cookie'), cluster.cookie, { mode: 0o400 });
  const node = `zvm${port}@localhost`;
  const secure = tls === undefined ? [] : await tlsLines(home, tls, tlsPort);
  await writeFile(
    join(home, 'rabbitmq.conf'),
    [
      `listeners.tcp.local = 127.0.0.1:${port}`,
      `default_user = ${USER}`,
      `default_pass = ${PASSWORD}`,
      ...secure,
      '',
    ].join('\n'),
  );
  const env = {
    HOME: home,
    ERL_EPMD_ADDRESS: '127.0.0.1',
    ERL_EPMD_PORT: String(epmd),
    RABBITMQ_NODENAME: node,
    RABBITMQ_NODE_IP_ADDRESS: '127.0.0.1',
    RABBITMQ_NODE_PORT: String(port),
    RABBITMQ_DIST_PORT: String(dist),
    RABBITMQ_MNESIA_BASE: join(home, 'mnesia'),
    RABBITMQ_LOG_BASE: join(home, 'log'),
    RABBITMQ_PID_FILE: join(home, 'pid'),
    RABBITMQ_ENABLED_PLUGINS_FILE: join(home, 'enabled_plugins'),
    RABBITMQ_CONF_ENV_FILE: '/dev/null',
    RABBITMQ_CONFIG_FILE: join(home, 'rabbitmq.conf'),
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: '-kernel inet_dist_use_interface {127,0,0,1} +S 1:1 +sbwt none',
  };
  const log = join(home, 'out.log');
  const start = async (): Promise<Service> => {
    const service = await startService('/usr/lib/rabbitmq/bin/rabbitmq-server', [], { env, log, cwd: home });
    await until('RabbitMQ did not listen', START_MS, log, () => isListening(port));
    return service;
  };
  let running = await start();
  // A broker listens before all of it runs.
  let isUp = false;
  const control = (...args: string[]): string => {
    const [program = ''] = globSync('/usr/lib/rabbitmq/lib/rabbitmq_server-*/sbin/rabbitmqctl');
    const { status, stdout, stderr } = spawnSync(program, args, { env: { ...process.env, ...env }, encoding: 'utf8' });
    if (status !== 0) throw new Error(`rabbitmqctl ${args[0]}: ${stderr}`);
    return stdout;
  };
  return {
    transportUrl: `rabbit://${USER}:${PASSWORD}@127.0.0.1:${port}//`,
    node,
    port,
    tlsPort: tls === undefined ? undefined : tlsPort,
    async restart(whileDown) {
      await running.stop();
      await whileDown?.();
      running = await start();
      isUp = false;
    },
    control(...args) {
      if (!isUp) control('await_startup');
      isUp = true;
      return control(...args);
    },
    async stop() {
      await running.stop();
      // Erlang's name server outlives the broker; this one is private, on its own port.
      spawnSync('epmd', ['-port', String(epmd), '-kill'], { env: { ...process.env, ...env } });
    },
  };
}

async function tlsLines(home: string, tls: { certificate: string; key: string }, port: number): Promise<string[]> {
  await writeFile(join(home, 'cert.pem'), tls.certificate);
  await writeFile(join(home, 'key.pem'), tls.key);
  return [
    `listeners.ssl.local = 127.0.0.1:${port}`,
    `ssl_options.cacertfile = ${join(home, 'cert.pem')}`,
    `ssl_options.certfile = ${join(home, 'cert.pem')}`,
    `ssl_options.keyfile = ${join(home, 'key.pem')}`,
    'ssl_options.verify = verify_none',
    'ssl_options.fail_if_no_peer_cert = false',
  ];
}
