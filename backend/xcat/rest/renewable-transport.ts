import { createTransport, type Transport, type TransportOptions, type XcatRequest } from './transport.ts';

/** A way to one xCAT MN whose credentials and certificates can change while it is used. */
export type RenewableTransport = Transport & {
  /** Calls that begin from now on go by these options; those under way end as they began. Throws what createTransport throws, and all stays as it was. */
  renew(options: TransportOptions): void;
};

/** Create one. Throws what createTransport throws. */
export function createRenewableTransport(options: TransportOptions): RenewableTransport {
  const open = new Set<Transport>();
  const begin = (by: TransportOptions) => {
    const way = closedWhenIdle(createTransport(by), (closed) => open.delete(closed));
    open.add(way.transport);
    return way;
  };
  let current = begin(options);
  return {
    request: (request) => current.request(request),
    renew(by) {
      const next = begin(by);
      current.retire();
      current = next;
    },
    close: async () => void (await Promise.all([...open].map((transport) => transport.close()))),
  };
}

/** A transport that closes after its last call, once it is replaced. */
function closedWhenIdle(transport: Transport, closed: (transport: Transport) => void) {
  let underWay = 0;
  let retired = false;
  const closeIfIdle = () => {
    if (!retired || underWay > 0) return;
    closed(transport);
    transport.close().catch(() => undefined);
  };
  return {
    transport,
    async request(request: XcatRequest) {
      underWay += 1;
      try {
        return await transport.request(request);
      } finally {
        underWay -= 1;
        closeIfIdle();
      }
    },
    retire() {
      retired = true;
      closeIfIdle();
    },
  };
}
