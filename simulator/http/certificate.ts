import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** A server's key and certificate, and the certificate of the authority that signed it; all PEM. */
export type Certificate = { key: string; cert: string; ca: string };

/**
 * A certificate for localhost and 127.0.0.1 from an authority made for it, as the appliance's is (docs/reference/xcat.md 1.1). Made by the
 * `openssl` program in a temporary folder; throws its error when it is not there.
 */
export async function makeCertificate(): Promise<Certificate> {
  const folder = await mkdtemp(join(tmpdir(), 'simulator-'));
  const at = (name: string) => join(folder, name);
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  try {
    await run('openssl', [
      ...['req', '-x509', ...key, '-keyout', at('ca.key'), '-out', at('ca.pem'), '-days', '30'],
      ...['-subj', '/CN=simulated management node authority', '-addext', 'keyUsage=critical,keyCertSign'],
    ]);
    await run('openssl', [
      ...['req', '-x509', ...key, '-keyout', at('mn.key'), '-out', at('mn.pem'), '-days', '30'],
      ...['-CA', at('ca.pem'), '-CAkey', at('ca.key'), '-subj', '/CN=localhost'],
      ...['-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1', '-addext', 'basicConstraints=critical,CA:FALSE'],
    ]);
    const [keyText, cert, ca] = await Promise.all(
      [at('mn.key'), at('mn.pem'), at('ca.pem')].map((name) => readFile(name, 'utf8')),
    );
    return { key: keyText ?? '', cert: cert ?? '', ca: ca ?? '' };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
