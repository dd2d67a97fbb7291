import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
const DAY_SECONDS = 86_400;
const NAMES = 'DNS:localhost,IP:127.0.0.1';

/** An authority in a folder of its own, whose certificates may be valid for seconds. */
export type Authority = {
  /** Its certificate. */
  file: string;
  /** A key and a certificate for localhost, in `<name>.key` and `<name>.pem` of the folder. */
  issue(name: string, how?: { seconds?: number; uses?: string }): Promise<{ cert: string; key: string }>;
};

/** Make an authority by the `openssl` program. Throws its error when it is not there. */
export async function createAuthority(folder: string): Promise<Authority> {
  const at = (name: string) => join(folder, name);
  const file = at('ca.pem');
  await run('openssl', [
    ...['req', '-x509', ...KEY, '-keyout', at('ca.key'), '-out', file, '-days', '30'],
    ...['-subj', '/CN=authority of Temporal', '-addext', 'keyUsage=critical,keyCertSign'],
  ]);
  await writeFile(at('issued'), '');
  return {
    file,
    async issue(name, { seconds = DAY_SECONDS, uses = 'serverAuth,clientAuth' } = {}) {
      const [cert, key, request, settings] = [`${name}.pem`, `${name}.key`, `${name}.csr`, `${name}.cnf`].map(at) as [
        string,
        string,
        string,
        string,
      ];
      await writeFile(
        settings,
        `[ca]
default_ca = own
[own]
database = ${at('issued')}
new_certs_dir = ${folder}
rand_serial = yes
unique_subject = no
default_md = sha256
policy = any
x509_extensions = extensions
[any]
commonName = supplied
[extensions]
subjectAltName = ${NAMES}
basicConstraints = critical,CA:FALSE
extendedKeyUsage = ${uses}
`,
      );
      await run('openssl', ['req', '-new', ...KEY, '-keyout', key, '-out', request, '-subj', `/CN=${name}`]);
      const end = new Date(Date.now() + 1_000 * seconds).toISOString().replaceAll(/[-:T]|\.\d+/g, '');
      await run('openssl', [
        ...['ca', '-batch', '-notext', '-config', settings, '-cert', file, '-keyfile', at('ca.key')],
        ...['-in', request, '-out', cert, '-enddate', end],
      ]);
      return { cert, key };
    },
  };
}
