import type { ConnectionOptions } from 'node:tls';
import { refusalOfVhost, speaksAmqp, speaksTls } from './broker-probe.ts';
import { NeutronError } from './errors.ts';
import { codeOf } from './exchanges.ts';
import type { Broker } from './transport-url.ts';

/** A connection that was tried; `tls` answers the options of TLS where it was to be spoken. */
export type Attempt = { broker: Broker; vhost: string; tls: (() => ConnectionOptions) | undefined };

/** Nobody answered at all: there is nothing to look at. */
const NOBODY = /^(ECONNREFUSED|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|EAI_|ETIMEDOUT|EACCES|EPERM)/;

/**
 * Why there is no connection. What amqplib says can hold the URL: only its code or the broker's own words are kept. Where these do not tell it,
 * the broker is looked at once more: which protocol it speaks on that port, and what it says of the virtual host.
 */
export async function connectFailure(error: unknown, attempt: Attempt): Promise<NeutronError> {
  if (error instanceof NeutronError) return error;
  const { host, port } = attempt.broker;
  const operation = `connect to ${host}:${port}`;
  const systemCode = systemCodeOf(error);
  // Such an error has the address in its text, which may have any digits.
  if (systemCode !== '') return systemFailure(operation, systemCode, attempt);
  const text = error instanceof Error ? error.message : '';
  if (codeOf(error) === 403 || /ACCESS_REFUSED|403/.test(text))
    return new NeutronError('unauthorised', operation, 'the broker refuses user name or password');
  // What RabbitMQ closes the connection with, 530, is lost in amqplib.
  if (/NOT.ALLOWED|530|ConnectionClose/.test(text)) return vhostFailure(operation, attempt);
  const said = codeOf(error) ?? /(\d{3}) \(([A-Z-]+)\)/.exec(text)?.[0];
  if (said !== undefined) return new NeutronError('unreachable', operation, String(said));
  return (await otherProtocol(operation, attempt)) ?? new NeutronError('unreachable', operation, 'no connection');
}

async function systemFailure(operation: string, code: string, attempt: Attempt): Promise<NeutronError> {
  if (NOBODY.test(code)) return new NeutronError('unreachable', operation, code);
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
  if (/^(ERR_SSL_|EPROTO$)/.test(code)) return new NeutronError('tls', operation, `TLS is not agreed on (${code})`);
  return new NeutronError('unreachable', operation, code);
}

/** TLS where none is spoken, or none where it is; undefined when that is not it. */
async function otherProtocol(operation: string, { broker, tls }: Attempt): Promise<NeutronError | undefined> {
  if (tls === undefined && (await speaksTls(broker)))
    return new NeutronError('tls', operation, 'this port speaks TLS, and is spoken to without');
  if (tls !== undefined && (await speaksAmqp(broker)))
    return new NeutronError('tls', operation, 'this port speaks no TLS, and is spoken to with it');
  return undefined;
}

async function vhostFailure(operation: string, { broker, vhost, tls }: Attempt): Promise<NeutronError> {
  const said = (await refusalOfVhost(broker, vhost, tls?.()))?.text ?? '';
  if (/vhost .* not found/i.test(said))
    return new NeutronError('no-vhost', operation, `the broker has no virtual host ${vhost}`);
  // A limit of connections, or a virtual host that is down: they pass.
  if (/limit|is down/i.test(said)) return new NeutronError('unreachable', operation, `the broker says: ${said}`);
  const reason = `the broker does not let user ${broker.username} into the virtual host ${vhost}`;
  return new NeutronError('unauthorised', operation, reason);
}

/** The name that the system or TLS has for what happened; empty when the broker said it. */
function systemCodeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}
