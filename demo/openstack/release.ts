import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** The programs of one release of Neutron, with their arguments. */
export type Release = {
  /** The environment of the Python interpreter, for a release other than Debian's. */
  environment: string | undefined;
  migrate: string;
  pasteConfig: string;
  /** The processes of a server. */
  processes(configFile: string, folder: string, port: number): Promise<Process[]>;
};

type Process = { program: string; args: string[]; env?: Record<string, string> };

/**
 * Debian's neutron-server, or any release in the Python virtual environment that NEUTRON_VENV names, made by `pip install neutron pymysql waitress`.
 */
export function neutronRelease(env: Readonly<Record<string, string | undefined>> = process.env): Release {
  const environment = env.NEUTRON_VENV ?? '';
  return environment === '' ? DEBIAN : releaseIn(environment);
}

const DEBIAN: Release = {
  environment: undefined,
  migrate: '/usr/bin/neutron-db-manage',
  pasteConfig: '/etc/neutron/api-paste.ini',
  processes: async (configFile) => [{ program: '/usr/bin/neutron-server', args: ['--config-file', configFile] }],
};

// Newer releases have no program that serves both REST and RPC; Neutron reads the arguments of the program that serves REST.
const API = `import sys
port = int(sys.argv[1])
sys.argv = ['neutron-api']
from neutron.wsgi.api import application
from waitress import serve
serve(application, host='127.0.0.1', port=port, threads=4)
`;

function releaseIn(environment: string): Release {
  const program = (name: string) => join(environment, 'bin', name);
  return {
    environment,
    migrate: program('neutron-db-manage'),
    pasteConfig: join(environment, 'etc/neutron/api-paste.ini'),
    async processes(configFile, folder, port) {
      const api = join(folder, 'api.py');
      await writeFile(api, API);
      return [
        { program: program('neutron-rpc-server'), args: ['--config-file', configFile] },
        {
          program: program('python3'),
          args: [api, String(port)],
          env: { OS_NEUTRON_CONFIG_DIR: '/', OS_NEUTRON_CONFIG_FILES: configFile },
        },
      ];
    },
  };
}
