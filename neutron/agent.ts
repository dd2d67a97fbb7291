import { setTimeout as sleep } from 'node:timers/promises';
import type { NeutronPort } from '../domain/host/neutron-port.ts';
import { messageOf } from '../domain/text/error-message.ts';
import type { PortId } from '../domain/text/identifiers.ts';
import { bindUnbound } from './binding.ts';
import { BoundPorts } from './bound-ports.ts';
import type { BrokerConnection, BrokerLog } from './broker-connection.ts';
import type { Incoming } from './envelope.ts';
import type { ExchangeFlags } from './exchanges.ts';
import { eventsOf, type NeutronEvent, TOPICS } from './notifications.ts';
import type { PluginApi } from './plugin-api.ts';
import { StateReporter } from './state-reporter.ts';
import { Subscription } from './subscription.ts';

/** Ids of ports and networks from the server's messages, to look up. */
export type News = { portIds: PortId[]; networkIds: string[] };

export type AgentOptions = {
  /** The z/VM host's name in Neutron. */
  host: string;
  /** The DHCP node's name in Neutron, where this agent reports for it as well (docs/reference/neutron.md 5.3). */
  dhcpHost?: string;
  bridgeMappings: Readonly<Record<string, string>>;
  reportIntervalMs: number;
  /** False when z/VM cannot be reached: the agent then reports nothing, and the server marks it as dead. */
  isReachable(): boolean;
  flags: ExchangeFlags;
  log: BrokerLog;
  /** Forward news. When it rejects, the agent calls it again with the same news. */
  onNews(news: News): Promise<void>;
  /** Reconcile the whole host. */
  onResync(reason: string): Promise<void>;
  /** Called after each report of a name of this agent; false when the server has not taken it. */
  onReported?(name: string, isTaken: boolean): void;
};

const AGAIN_MS = 2_000;
const LONGEST_PAUSE_MS = 30_000;

/**
 * The L2 agent of one z/VM host: reports its state to the server, and forwards the ids in the server's messages. It keeps no state that it could
 * not read again: it synchronises in full at the start, after each new connection, and after the server took it for dead.
 */
export class L2Agent {
  readonly #api: PluginApi;
  readonly #options: AgentOptions;
  readonly #reporters: StateReporter[];
  readonly #subscription: Subscription;
  readonly #ports = new BoundPorts();
  #resyncReasons: string[] = [];
  #resyncing: Promise<void> | undefined;
  #started = false;
  readonly #ending = new AbortController();
  #warned = false;
  /** Resolves when z/VM has answered once, or when the agent ends before. */
  readonly #awake = Promise.withResolvers<void>();

  constructor(connection: BrokerConnection, api: PluginApi, options: AgentOptions) {
    const { flags, log } = options;
    this.#api = api;
    this.#options = options;
    this.#reporters = this.#hosts.map(
      (host) =>
        new StateReporter(api, {
          host,
          bridgeMappings: options.bridgeMappings,
          plugsIntoVswitch: host === options.host,
          intervalMs: options.reportIntervalMs,
          log,
          isReachable: options.isReachable,
          onRevived: () => this.#requestResync('neutron-server had marked the agent as dead'),
          onReported: (isTaken) => options.onReported?.(host, isTaken),
        }),
    );
    this.#subscription = new Subscription(connection, {
      queue: `neutron-zvm-agent.${options.host}`,
      topics: TOPICS,
      flags,
      log,
      onConnected: (backlog) => {
        if (backlog > 0) log.info({ host: options.host, backlog }, 'messages were waiting for this agent');
        if (!this.#started) return;
        this.#requestResync('the connection to the broker is new');
        for (const reporter of this.#reporters) void reporter.reportNow();
      },
      onDisconnected: () => this.#ports.forget(),
      onRebound: () => {
        this.#ports.forget();
        this.#requestResync('the bindings of the agent queue were removed at the broker');
      },
      onTakenOver: () => {
        log.info({ host: options.host }, 'this process takes over from another agent process');
        this.#ports.forget();
        this.#requestResync('another agent process received the messages before');
      },
      onMessages: (messages, backlog) => this.#take(messages, backlog),
    });
  }

  /** z/VM can be reached again: report at once and synchronise in full, since z/VM may have been restarted. */
  zvmReachable(): void {
    this.#awake.resolve();
    if (!this.#started) return;
    for (const reporter of this.#reporters) void reporter.reportNow();
    this.#requestResync('z/VM is reachable again');
  }

  /** Wait for a server and for z/VM, report, and synchronise in full. Resolves when the first reports are made. Throws a NeutronError that is not retryable. */
  async start(): Promise<void> {
    const { host, log } = this.#options;
    let isLogged = false;
    while (!this.#stopped) {
      try {
        if (await this.#api.hasAliveServer(this.#options.reportIntervalMs)) break;
      } catch (error) {
        const reason = messageOf(error);
        if (!isLogged) log.warn({ host, reason }, 'waiting for neutron-server');
        isLogged = true;
        if (error instanceof Error && 'retryable' in error && error.retryable === false) throw error;
      }
      await sleep(AGAIN_MS, undefined, { signal: this.#ending.signal }).catch(() => undefined);
    }
    if (!this.#options.isReachable()) await this.#awake.promise;
    if (this.#stopped) return;
    for (const reporter of this.#reporters) await reporter.start();
    this.#started = true;
    this.#requestResync('the agent has started');
  }

  get #stopped(): boolean {
    return this.#ending.signal.aborted;
  }

  /** Stop reporting and listening. */
  stop(): void {
    this.#ending.abort();
    this.#awake.resolve();
    for (const reporter of this.#reporters) reporter.stop();
  }

  /** Resolves when all received messages are forwarded. */
  async idle(): Promise<void> {
    await Promise.all([this.#subscription.idle(), this.#resyncing]);
  }

  get #hosts(): string[] {
    const { host, dhcpHost } = this.#options;
    return dhcpHost === undefined ? [host] : [host, dhcpHost];
  }

  async #readBoundPorts(): Promise<NeutronPort[]> {
    return (await Promise.all(this.#hosts.map((name) => this.#api.portsOfHost(name)))).flat();
  }

  /** Have the server bind the ports that were created while the agent was away. Not at each message: the request changes the port, which sends a message. */
  async #bindFailed(ports: readonly NeutronPort[]): Promise<void> {
    const isFailed = ({ binding }: NeutronPort) => binding === 'failed';
    const failed = ports.filter(isFailed).map(({ portId }) => portId);
    await bindUnbound(this.#api, this.#hosts, failed, isFailed);
  }

  async #take(messages: readonly Incoming[], backlog: boolean): Promise<void> {
    const portIds = new Set<PortId>();
    const networkIds = new Set<string>();
    for (const event of messages.flatMap(eventsOf)) {
      this.#warnOfFilters(event);
      if ('portId' in event) {
        if (this.#concerns(event, backlog)) portIds.add(event.portId);
      } else if (backlog || this.#ports.mayHaveOn(event.networkId)) networkIds.add(event.networkId);
    }
    if (portIds.size + networkIds.size === 0) return;
    await this.#options.onNews({ portIds: [...portIds], networkIds: [...networkIds] });
    // A deleted port is forgotten only after its news is forwarded.
    for (const event of messages.flatMap(eventsOf)) if ('portId' in event) this.#remember(event);
  }

  /** A VSWITCH enforces no security groups. Ports bound by this agent say so; this warning is for ports bound by another agent before. */
  #warnOfFilters(event: NeutronEvent): void {
    if (this.#warned || event.kind !== 'port' || !event.filtered || event.host !== this.#options.host) return;
    this.#warned = true;
    this.#options.log.warn(
      { host: event.host, port: event.portId },
      'Neutron shows the security groups of this port as enforced, but a VSWITCH enforces none: bind the port again to correct it',
    );
  }

  /** True when the port may be bound here. It may be as long as the bound ports are unknown, and for messages that waited. */
  #concerns(event: Extract<NeutronEvent, { portId: PortId }>, backlog: boolean): boolean {
    if (backlog || this.#ports.mayHave(event.portId)) return true;
    return event.kind !== 'portDeleted' && this.#hosts.includes(event.host);
  }

  #remember(event: Extract<NeutronEvent, { portId: PortId }>): void {
    if (event.kind === 'portDeleted') this.#ports.update(event.portId);
    else if (event.kind === 'port')
      this.#ports.update(event.portId, this.#hosts.includes(event.host) ? event.networkId : undefined);
  }

  #requestResync(reason: string): void {
    this.#resyncReasons.push(reason);
    this.#resyncing ??= this.#resync().finally(() => {
      this.#resyncing = undefined;
    });
  }

  async #readAll(reason: string): Promise<void> {
    const { host, log } = this.#options;
    const bound = this.#readBoundPorts();
    const ports = await this.#ports.learn(() => bound);
    log.info({ host, reason, ports }, 'full synchronisation');
    await this.#bindFailed(await bound);
  }

  async #resync(): Promise<void> {
    const { host, log, onResync } = this.#options;
    let pause = AGAIN_MS;
    let read = 0;
    while (this.#resyncReasons.length > 0 && !this.#stopped) {
      const [reason = ''] = this.#resyncReasons;
      const count = this.#resyncReasons.length;
      try {
        // Not again while only Temporal is away: each reading puts ports that cannot be bound into BUILD.
        if (count > read) await this.#readAll(reason);
        read = count;
        await onResync(reason);
        this.#resyncReasons.splice(0, count);
        read = 0;
        pause = AGAIN_MS;
      } catch (error) {
        if (this.#stopped) return;
        const why = messageOf(error);
        log.warn({ host, reason: why }, 'full synchronisation failed and is retried');
        await sleep(pause, undefined, { signal: this.#ending.signal }).catch(() => undefined);
        pause = Math.min(2 * pause, LONGEST_PAUSE_MS);
      }
    }
  }
}
