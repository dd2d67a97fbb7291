import type { MiddlewareHandler } from 'hono';
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { readControl } from '../../client/host-control.ts';
import { holdViewOf } from '../../client/known-hosts.ts';
import { countOperations, describeOperation, listOperations, OPERATION_STATES } from '../../client/operations.ts';
import type { HostCache } from '../cache.ts';
import type { Services } from '../http/routing.ts';
import type { GatewayOptions, Limits } from '../options.ts';

const COUNTS = ['examined', 'inOrder', 'drifted', 'repaired', 'failed', 'foreign', 'skipped'] as const;
/** Longest wait of a scrape for the numbers of a host; after it the last ones are shown. */
const SCRAPE_MS = 5_000;

/**
 * Metrics for Prometheus: requests by route and answer, operations, and drift as the last reconciliation found it. A scrape asks Temporal,
 * not too often, and never z/VM.
 */
export class Metrics {
  readonly #options: GatewayOptions;
  readonly #limits: Limits;
  readonly #state: HostCache;
  readonly #registry = new Registry();
  #askedAt = Number.NEGATIVE_INFINITY;

  readonly #requests = new Counter({
    name: 'zvm_gateway_requests_total',
    help: 'Requests by method, route and status',
    labelNames: ['method', 'route', 'status'],
    registers: [this.#registry],
  });
  readonly #seconds = new Histogram({
    name: 'zvm_gateway_request_seconds',
    help: 'Duration of requests',
    labelNames: ['method', 'route'],
    buckets: [0.01, 0.05, 0.1, 0.5, 1, 5, 30, 120],
    registers: [this.#registry],
  });
  readonly #started = new Counter({
    name: 'zvm_gateway_operations_started_total',
    help: 'Operations started by this gateway',
    labelNames: ['host', 'type'],
    registers: [this.#registry],
  });
  readonly #waited = new Counter({
    name: 'zvm_gateway_operations_waited_total',
    help: 'Operations whose callers waited for their end, by answer: done, or the kind of problem',
    labelNames: ['host', 'type', 'outcome'],
    registers: [this.#registry],
  });
  readonly #operations = this.#gauge('zvm_operations', 'Operations of a host that Temporal retains, by state', 'state');
  readonly #reconciled = this.#gauge(
    'zvm_reconciliation_guests',
    'Guests by finding of the last ended reconciliation; foreign counts NICs, grants and VSWITCHes',
    'found',
  );
  readonly #findings = this.#gauge(
    'zvm_reconciliation_findings',
    'Findings of the last ended reconciliation: values that cannot be read, and disagreements of the shadow backend',
  );
  readonly #reconciledAt = this.#gauge('zvm_reconciliation_end_seconds', 'End of the last reconciliation, Unix time');
  readonly #held = this.#gauge('zvm_host_held', '1 while the host is held: nothing is written to it');
  readonly #ports = this.#gauge('zvm_ports', 'Recorded ports of a host at the last reading of this gateway');
  readonly #drifted = this.#gauge(
    'zvm_guests_drifted',
    'Guests of a host with drift at the last reading of this gateway',
  );

  constructor(options: GatewayOptions, limits: Limits, state: HostCache) {
    this.#options = options;
    this.#limits = limits;
    this.#state = state;
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

  /** An operation was started, or a caller has waited for one. */
  readonly counted: Services['counted'] = (event, type, host, outcome = '') => {
    if (event === 'started') this.#started.inc({ type, host });
    else this.#waited.inc({ type, host, outcome });
  };

  /** The metrics in Prometheus's text format. */
  async text(): Promise<string> {
    const { hosts, client } = this.#options;
    if (Date.now() - this.#askedAt > this.#limits.metricsSeconds * 1_000) {
      this.#askedAt = Date.now();
      // A host without an answer in time keeps its last numbers.
      await Promise.allSettled(
        hosts.map(({ host }) => client.withDeadline(Date.now() + SCRAPE_MS, () => this.#ask(host))),
      );
    }
    for (const { host } of hosts) this.#showLast(host);
    return this.#registry.metrics();
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  async #ask(host: string): Promise<void> {
    const { client } = this.#options;
    this.#held.set({ host }, holdViewOf(await readControl(client, host)) === null ? 0 : 1);
    const counts = await countOperations(client, host);
    for (const state of OPERATION_STATES) this.#operations.set({ host, state }, counts[state] ?? 0);
    const [last] = await listOperations(client, { host, type: 'reconcileHost', state: 'completed' }, 1);
    if (last === undefined) return;
    const whole = await describeOperation(client, last.id, last.runId, { ask: false });
    const result = (whole?.result ?? {}) as Partial<Record<string, unknown>>;
    for (const found of COUNTS)
      if (typeof result[found] === 'number') this.#reconciled.set({ host, found }, result[found]);
    if (Array.isArray(result.findings)) this.#findings.set({ host }, result.findings.length);
    if (last.closedAt !== undefined) this.#reconciledAt.set({ host }, Date.parse(last.closedAt) / 1_000);
  }

  #showLast(host: string): void {
    const view = this.#state.last(host);
    if (view === undefined) return;
    this.#ports.set(
      { host },
      view.guests.reduce((sum, guest) => sum + guest.ports.length, 0),
    );
    this.#drifted.set({ host }, view.guests.filter((guest) => guest.drift.length > 0).length);
  }

  #gauge<Label extends string = never>(name: string, help: string, ...labels: Label[]): Gauge<'host' | Label> {
    return new Gauge({ name, help, labelNames: ['host', ...labels], registers: [this.#registry] });
  }
}
