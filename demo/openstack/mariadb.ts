import { spawnSync } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../../temporal-config/dev-server/free-ports.ts';
import { startService, until } from './service.ts';

const START_MS = 60_000;

/** A private MariaDB on 127.0.0.1 with an empty database for Neutron. It is not durable (contract neutron.md 1.4). */
export async function startMariadb(folder: string): Promise<{ connection: string; stop(): Promise<void> }> {
  const port = await freePort();
  const home = join(folder, 'maria');
  const data = join(home, 'data');
  const socket = join(home, 's.sock');
  const log = join(home, 'out.log');
  const user = userInfo().username;
  // A starting MariaDB clears its folder for temporary tables, even of other servers.
  const temporary = join(home, 'tmp');
  await mkdir(temporary, { recursive: true });
  sql('mariadb-install-db', [
    '--no-defaults',
    `--user=${user}`,
    `--datadir=${data}`,
    `--tmpdir=${temporary}`,
    '--auth-root-authentication-method=normal',
    '--skip-test-db',
  ]);
  const service = await startService(
    '/usr/sbin/mariadbd',
    [
      '--no-defaults',
      `--user=${user}`,
      `--datadir=${data}`,
      `--tmpdir=${temporary}`,
      `--socket=${socket}`,
      `--pid-file=${join(home, 'pid')}`,
      '--bind-address=127.0.0.1',
      `--port=${port}`,
      '--innodb-flush-log-at-trx-commit=0',
      '--innodb-flush-method=nosync',
      '--innodb-doublewrite=0',
      '--skip-log-bin',
      '--innodb-buffer-pool-size=128M',
      '--innodb-log-file-size=32M',
      '--performance-schema=0',
      '--character-set-server=utf8mb3',
      '--max-connections=200',
      '--skip-name-resolve',
    ],
    { log },
  );
  const client = ['--no-defaults', `--socket=${socket}`, '-uroot', '-e'];
  await until('MariaDB did not answer', START_MS, log, async () => {
    return spawnSync('mariadb', [...client, 'select 1']).status === 0;
  });
  sql('mariadb', [
    ...client,
    `CREATE DATABASE neutron CHARACTER SET utf8mb3; CREATE USER neutron@127.0.0.1 IDENTIFIED BY 'neutron';
     GRANT ALL ON neutron.* TO neutron@127.0.0.1;`,
  ]);
  const connection = `mysql+pymysql://neutron:neutron@127.0.0.1:${port}/neutron?charset=utf8`;
  return { connection, stop: () => service.stop() };
}

function sql(program: string, args: string[]): void {
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${program} failed: ${stdout.slice(0, 500)} ${stderr.slice(-500)}`);
}
