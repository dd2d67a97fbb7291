import type { MiddlewareHandler } from 'hono';
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { HostView } from '../network/host-view.ts';

/** What Prometheus is shown: requests by route and answer, and what was last read of each host. */
export class Metrics {
  readonly #registry = new Registry();
  readonly #requests = new Counter({
    name: 'zvm_gateway_requests_total',
    help: 'Requests by method, route and status',
    labelNames: ['method', 'route', 'status'],
    registers: [this.#registry],
  });
  readonly #seconds = new Histogram({
    name: 'zvm_gateway_request_seconds',
    help: 'How long requests took',
    labelNames: ['method', 'route'],
    buckets: [0.01, 0.05, 0.1, 0.5, 1, 5, 30, 120],
    registers: [this.#registry],
  });
  readonly #ports = this.#gauge('zvm_ports', 'Recorded ports of a host');
  readonly #drifted = this.#gauge('zvm_guests_drifted', 'Guests of a host that are not as recorded');

  constructor() {
    collectDefaultMetrics({ register: this.#registry });
  }

  /** Counts requests by the route's pattern, never by its values. */
  readonly middleware: MiddlewareHandler = async (context, next) => {
    const started = performance.now();
    await next();
    const { method } = context.req;
    const route = context.req.routePath;
    this.#requests.inc({ method, route, status: String(context.res.status) });
    this.#seconds.observe({ method, route }, (performance.now() - started) / 1_000);
  };

  /** A host was read. */
  seen({ host, guests }: HostView): void {
    this.#ports.set(
      { host },
      guests.reduce((sum, guest) => sum + guest.ports.length, 0),
    );
    this.#drifted.set({ host }, guests.filter((guest) => guest.drift.length > 0).length);
  }

  /** In Prometheus's text form. */
  text(): Promise<string> {
    return this.#registry.metrics();
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  #gauge(name: string, help: string): Gauge<'host'> {
    return new Gauge({ name, help, labelNames: ['host'], registers: [this.#registry] });
  }
}
