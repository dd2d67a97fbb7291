import { readFileSync, unwatchFile, watchFile } from 'node:fs';
import { createSecureContext, type SecureContextOptions, type Server } from 'node:tls';

/** PEM files of a server's certificate, with those that vouch for it, and of its key. */
export type CertificateFiles = { certFile: string; keyFile: string };

const LOOK_MS = 1_000;

/** What the files hold now, for TLS 1.2 or newer. Throws an Error when one cannot be read. */
export function readCertificate({ certFile, keyFile }: CertificateFiles): SecureContextOptions {
  return { cert: readFileSync(certFile), key: readFileSync(keyFile), minVersion: 'TLSv1.2' };
}

/** The same at first, when there is nothing to stay with. Throws an Error that names the files when they are no certificate and its key. */
export function firstCertificate(files: CertificateFiles): SecureContextOptions {
  try {
    const certificate = readCertificate(files);
    createSecureContext(certificate);
    return certificate;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`${files.certFile} and ${files.keyFile} are no certificate and its key, in PEM: ${reason}`);
  }
}

/**
 * Keep a server to the files of its certificate: connections that are made after a change get the new one. Files that do not fit each other,
 * as between the change of the one and of the other, are reported, and what was read last stays.
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
      const reason = error instanceof Error && 'code' in error ? String(error.code) : 'not PEM';
      log('error', { ...files, reason }, 'the certificate read before stays');
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
