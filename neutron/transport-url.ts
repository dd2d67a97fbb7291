/** One broker of a `transport_url`. */
export type Broker = { host: string; port: number; username: string; password: string };

/** The brokers of a cluster, tried in turn, and the virtual host on them. */
export type Transport = { brokers: Broker[]; vhost: string; tls: boolean };

/** The same port with TLS, as for neutron-server, which reads the same file. */
const DEFAULT_PORT = 5672;

/**
 * Read oslo.messaging's `transport_url`: `rabbit://user:password@host:port,user:password@host:port/vhost?ssl=1`. Each broker has its own user
 * and password; a broker without has RabbitMQ's default, `guest`, as in oslo.messaging. Throws an Error without the URL, which holds a
 * password.
 */
export function parseTransportUrl(text: string, tlsConfigured = false): Transport {
  const match = /^(?<scheme>[a-z+]+):\/\/(?<hosts>[^/?#]*)(?<path>\/[^?#]*)?(?:\?(?<query>[^#]*))?$/is.exec(
    text.trim(),
  );
  const { scheme = '', hosts = '', path = '', query = '' } = match?.groups ?? {};
  if (match === null) throw new Error('is not of the form rabbit://user:password@host:port/vhost');
  if (!['rabbit', 'kombu+amqp', 'amqp'].includes(scheme.toLowerCase()))
    throw new Error(`is for ${scheme}, but only RabbitMQ (rabbit://) is supported`);
  const ssl = new URLSearchParams(query).get('ssl');
  const tls = ssl === null ? tlsConfigured : ['1', 'true', 'yes', 'on'].includes(ssl.toLowerCase());
  const brokers = hosts
    .split(',')
    .filter((host) => host !== '')
    .map(brokerOf);
  if (brokers.length === 0) throw new Error('names no broker');
  // "/" and "//" are both RabbitMQ's own virtual host "/" (contract neutron.md 2.1).
  const vhost = decoded(path.slice(1));
  return { brokers, vhost: vhost === '' ? '/' : vhost, tls };
}

/** The options of `[oslo_messaging_rabbit]` in the query of a `transport_url`, which override those of the files. */
export function transportOptions(text: string): ReadonlyMap<string, string> {
  const at = text.indexOf('?');
  return at < 0 ? new Map() : new Map(new URLSearchParams(text.trim().slice(at + 1)));
}

function brokerOf(text: string): Broker {
  const at = text.lastIndexOf('@');
  const [username = '', ...password] = at < 0 ? [] : text.slice(0, at).split(':');
  const address = /^(?:\[(?<v6>[0-9a-f:.]+)\]|(?<host>[a-z0-9._-]+))(?::(?<port>[0-9]{1,5}))?$/i.exec(
    text.slice(at + 1),
  );
  const { v6, host = v6, port = DEFAULT_PORT } = address?.groups ?? {};
  if (host === undefined || Number(port) > 65_535) throw new Error('has a broker that is not host:port');
  return {
    host,
    port: Number(port),
    username: username === '' ? 'guest' : decoded(username),
    password: username === '' ? 'guest' : decoded(password.join(':')),
  };
}

// The same as Python's `unquote`, which Neutron uses: a % without two hex digits stands for itself.
function decoded(text: string): string {
  return text.replace(/(?:%[0-9a-f]{2})+/gi, (bytes) => Buffer.from(bytes.replaceAll('%', ''), 'hex').toString('utf8'));
}
