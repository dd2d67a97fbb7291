import type { ConnectionOptions } from 'node:tls';
import { refusalOfVhost, speaksAmqp, speaksTls } from './broker-probe.ts';
import { NeutronError } from './errors.ts';
import { codeOf } from './exchanges.ts';
import type { Broker } from './transport-url.ts';

/** An attempt to connect; `tls` gives the TLS options when TLS is configured. */
export type Attempt = { broker: Broker; vhost: string; tls: (() => ConnectionOptions) | undefined };

/** Codes of connections without an answer; a probe would find nothing. */
const UNANSWERED = /^(ECONNREFUSED|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|EAI_|ETIMEDOUT|EACCES|EPERM)/;

/**
 * The failure of a connection attempt. amqplib's messages may hold the URL with its password, so only the code or the broker's own words are kept.
 * Where these do not explain the failure, the broker is probed: for the protocol on that port, and for its reason to refuse the virtual host.
 */
export async function connectFailure(error: unknown, attempt: Attempt): Promise<NeutronError> {
  if (error instanceof NeutronError) return error;
  const { host, port } = attempt.broker;
  const operation = `connect to ${host}:${port}`;
  const systemCode = systemCodeOf(error);
  // The text of such an error holds the address, whose digits may look like a code.
  if (systemCode !== '') return systemFailure(operation, systemCode, attempt);
  const text = error instanceof Error ? error.message : '';
  if (codeOf(error) === 403 || /ACCESS_REFUSED|403/.test(text))
    return new NeutronError('unauthorised', operation, 'the broker refuses user name or password');
  // amqplib loses the code 530 with which RabbitMQ closes the connection.
  if (/NOT.ALLOWED|530|ConnectionClose/.test(text)) return vhostFailure(operation, attempt);
  const said = codeOf(error) ?? /(\d{3}) \(([A-Z-]+)\)/.exec(text)?.[0];
  if (said !== undefined) return new NeutronError('unreachable', operation, String(said));
  return (await otherProtocol(operation, attempt)) ?? new NeutronError('unreachable', operation, 'no connection');
}

async function systemFailure(operation: string, code: string, attempt: Attempt): Promise<NeutronError> {
  if (UNANSWERED.test(code)) return new NeutronError('unreachable', operation, code);
  if (/^ERR_SSL_.*ALERT.*(CERTIFICATE|_CA$)/.test(code))
    return new NeutronError(
      'own-certificate',
      operation,
      `the broker does not accept this agent's certificate (${code})`,
    );
  if (/^ERR_OSSL_|KEY_VALUES_MISMATCH/.test(code))
    return new NeutronError('own-certificate', operation, `certificate and key cannot be used (${code})`);
  if (/CERT|SELF_SIGNED|ISSUER|SIGNATURE|ALTNAME/.test(code))
    return new NeutronError('untrusted', operation, `its certificate is not trusted (${code})`);
  const other = await otherProtocol(operation, attempt);
  if (other !== undefined) return other;
  if (/^(ERR_SSL_|EPROTO$)/.test(code)) return new NeutronError('tls', operation, `the TLS handshake failed (${code})`);
  return new NeutronError('unreachable', operation, code);
}

/** The failure when TLS is used on a port without it, or the reverse; undefined in any other case. */
async function otherProtocol(operation: string, { broker, tls }: Attempt): Promise<NeutronError | undefined> {
  if (tls === undefined && (await speaksTls(broker)))
    return new NeutronError('tls', operation, 'this port uses TLS, but the configuration does not');
  if (tls !== undefined && (await speaksAmqp(broker)))
    return new NeutronError('tls', operation, 'this port does not use TLS, but the configuration does');
  return undefined;
}

async function vhostFailure(operation: string, { broker, vhost, tls }: Attempt): Promise<NeutronError> {
  const said = (await refusalOfVhost(broker, vhost, tls?.()))?.text ?? '';
  if (/vhost .* not found/i.test(said))
    return new NeutronError('no-vhost', operation, `the broker has no virtual host ${vhost}`);
  // A connection limit and a virtual host that is down are transient.
  if (/limit|is down/i.test(said)) return new NeutronError('unreachable', operation, `the broker answers: ${said}`);
  const reason = `the broker refuses user ${broker.username} access to the virtual host ${vhost}`;
  return new NeutronError('unauthorised', operation, reason);
}

/** The error code of the operating system or TLS; empty when the failure is the broker's own. */
function systemCodeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}
