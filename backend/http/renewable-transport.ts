/** A way to a server, by requests of its own kind. */
type Way<Request, Answer> = {
  request(request: Request): Promise<Answer>;
  close(): Promise<void>;
};

/** A way to one server whose credentials and certificates can change while it is used. */
export type RenewableTransport<Options, Request, Answer> = Way<Request, Answer> & {
  /** Calls that begin from now on go by these options; those under way end as they began. Throws what `create` throws, and all stays as it was. */
  renew(options: Options): void;
};

/** Create one. Throws what `create` throws. */
export function createRenewableTransport<Options, Request, Answer>(
  create: (options: Options) => Way<Request, Answer>,
  options: Options,
): RenewableTransport<Options, Request, Answer> {
  const open = new Set<Way<Request, Answer>>();
  const begin = (by: Options) => {
    const way = closedWhenIdle(create(by), (closed) => open.delete(closed));
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

/** A way that closes after its last call, once it is replaced. */
function closedWhenIdle<Request, Answer>(
  transport: Way<Request, Answer>,
  closed: (transport: Way<Request, Answer>) => void,
) {
  let underWay = 0;
  let retired = false;
  const closeIfIdle = () => {
    if (!retired || underWay > 0) return;
    closed(transport);
    transport.close().catch(() => undefined);
  };
  return {
    transport,
    async request(request: Request) {
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
