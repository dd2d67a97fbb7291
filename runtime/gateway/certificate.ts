import { readFileSync, unwatchFile, watchFile } from 'node:fs';
import { createSecureContext, type SecureContextOptions, type Server } from 'node:tls';
import { messageOf } from '../../domain/text/error-message.ts';

/** The PEM files of a server's certificate chain and of its key. */
export type CertificateFiles = { certFile: string; keyFile: string };

const LOOK_MS = 1_000;

/** The TLS options from the files as they are now, for TLS 1.2 or newer. Throws an Error when a file cannot be read. */
function readCertificate({ certFile, keyFile }: CertificateFiles): SecureContextOptions {
  return { cert: readFileSync(certFile), key: readFileSync(keyFile), minVersion: 'TLSv1.2' };
}

/** The same at the start. Throws an Error that names the files when they are not a certificate and its key. */
export function firstCertificate(files: CertificateFiles): SecureContextOptions {
  try {
    const certificate = readCertificate(files);
    createSecureContext(certificate);
    return certificate;
  } catch (error) {
    const reason = messageOf(error);
    throw new Error(
      `${files.certFile} and ${files.keyFile} are not a certificate and its key in PEM format: ${reason}`,
    );
  }
}

/**
 * Reload a server's certificate when its files change; new connections get it. Files that do not match, as in the middle of a change, are reported,
 * and the last certificate stays in use.
 */
export function watchCertificate(
  server: Server,
  files: CertificateFiles,
  log: (level: 'info' | 'error', fields: Record<string, unknown>, message: string) => void,
): { readAgain(): void; close(): void } {
  const named = [files.certFile, files.keyFile];
  const readAgain = () => {
    try {
      server.setSecureContext(readCertificate(files));
      log('info', files, 'certificate read');
    } catch (error) {
      const reason = error instanceof Error && 'code' in error ? String(error.code) : 'not in PEM format';
      log('error', { ...files, reason }, 'new certificate not usable: the previous one stays in use');
    }
  };
  for (const file of named) watchFile(file, { interval: LOOK_MS, persistent: false }, readAgain);
  return {
    readAgain,
    close: () =>
      named.forEach((file) => {
        unwatchFile(file, readAgain);
      }),
  };
}
