/** The code of a failure, by which callers decide. */
export type NeutronErrorCode =
  | 'unreachable'
  | 'no-server'
  | 'timeout'
  | 'remote'
  | 'exchange'
  | 'bad-answer'
  | 'compressed'
  | 'untrusted'
  | 'own-certificate'
  | 'tls'
  | 'no-vhost'
  | 'unauthorised';

const ADVICE: Readonly<Record<NeutronErrorCode, string>> = {
  unreachable: 'check that the message broker of transport_url, or the REST server of quantum_url, is up and reachable',
  'no-server': 'check that neutron-server runs and is connected to the same broker and virtual host',
  timeout: 'check the load of neutron-server, or raise rpc_response_timeout',
  remote: 'look up the failure in the log of neutron-server',
  exchange:
    'set amqp_durable_queues, amqp_auto_delete, rabbit_quorum_queue and rabbit_transient_quorum_queue as neutron-server has them',
  'bad-answer': 'check that the release of Neutron is one that docs/neutron.md names',
  compressed: 'set kombu_compression of neutron-server to gzip, brotli or zstd, or remove it',
  untrusted: 'set ssl_ca_file to the CA of the certificate, and address the broker by a name in the certificate',
  'own-certificate': 'set ssl_cert_file and ssl_key_file to a certificate and key that the broker accepts',
  tls: 'set ssl in [oslo_messaging_rabbit] or ssl=1 in transport_url for a TLS port (mostly 5671), and neither for a plain port (mostly 5672)',
  'no-vhost': 'correct the virtual host at the end of transport_url, or create it: rabbitmqctl add_vhost',
  unauthorised: 'check user name and password, and the permissions of the virtual host',
};

/** All codes. Each has a section of the documentation (docs/errors/servers.md), `neutron-` and its name. */
export const NEUTRON_ERROR_CODES = Object.keys(ADVICE) as readonly NeutronErrorCode[];

const RETRYABLE: Readonly<Record<NeutronErrorCode, boolean>> = {
  unreachable: true,
  'no-server': true,
  timeout: true,
  remote: true,
  exchange: false,
  'bad-answer': false,
  compressed: false,
  untrusted: false,
  'own-certificate': false,
  tls: false,
  'no-vhost': false,
  unauthorised: false,
};

/** Classes of permanent remote failures (docs/reference/neutron.md 7.1). */
const PERMANENT = new Set([
  'UnsupportedVersion',
  'NoSuchMethod',
  'TypeError',
  'RPCVersionCapError',
  'CallbackNotFound',
]);

/** A failure in the server's answer: its Python class, module and message. */
export type RemoteFailure = { class: string; module: string; message: string };

/** The error class of this folder. It never holds a password, a URL with one, or a token. */
export class NeutronError extends Error {
  override readonly name = 'NeutronError';
  readonly code: NeutronErrorCode;
  /** The failed operation: `call update_device_list`, `GET /v2.0/ports`. */
  readonly operation: string;
  readonly advice: string;
  readonly retryable: boolean;
  /** The section of the documentation about it. */
  readonly page: string;
  readonly remote: RemoteFailure | undefined;

  constructor(code: NeutronErrorCode, operation: string, reason: string, remote?: RemoteFailure) {
    super(`${operation}: ${reason}`);
    this.code = code;
    this.operation = operation;
    this.advice = ADVICE[code];
    this.page = `neutron-${code}`;
    this.retryable = RETRYABLE[code] && !PERMANENT.has(remote?.class ?? '');
    this.remote = remote;
  }
}
