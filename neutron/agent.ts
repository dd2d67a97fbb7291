import type { PortId } from '../network/identifiers.ts';
import type { BrokerConnection, BrokerLog } from './broker-connection.ts';
import type { Incoming } from './envelope.ts';
import type { ExchangeFlags } from './exchanges.ts';
import { eventsOf, type NeutronEvent, TOPICS } from './notifications.ts';
import type { PluginApi } from './plugin-api.ts';
import { StateReporter } from './state-reporter.ts';
import { Subscription } from './subscription.ts';

/** Ports and networks to look up. */
export type News = { portIds: PortId[]; networkIds: string[] };

export type AgentOptions = {
  /** The z/VM host's name in Neutron. */
  host: string;
  /** The DHCP node's name in Neutron, where this agent reports for it as well (contract neutron.md 5.4). */
  dhcpHost?: string;
  bridgeMappings: Readonly<Record<string, string>>;
  reportIntervalMs: number;
  flags: ExchangeFlags;
  log: BrokerLog;
  /** Hand news on; what it rejects is heard again. */
  onNews(news: News): Promise<void>;
  /** Everything has to be looked at. */
  onDoubt(reason: string): Promise<void>;
};

const AGAIN_MS = 2_000;

/**
 * The L2 agent of one z/VM host: tells the server that it lives, and hands on what the server's messages are about. It keeps nothing that it
 * could not ask for again: at the start, after each new connection and when it was taken for dead, everything is in doubt.
 */
export class L2Agent {
  readonly #api: PluginApi;
  readonly #options: AgentOptions;
  readonly #reporters: StateReporter[];
  readonly #subscription: Subscription;
  /** Ports bound here, to tell whose deletions and moves are of concern; unknown until they have been asked for. */
  #known: Set<PortId> | undefined;
  #doubts: string[] = [];
  #resolving: Promise<void> | undefined;
  #started = false;
  #stopped = false;

  constructor(connection: BrokerConnection, api: PluginApi, options: AgentOptions) {
    const { flags, log } = options;
    this.#api = api;
    this.#options = options;
    this.#reporters = this.#hosts.map(
      (host) =>
        new StateReporter(api, {
          host,
          bridgeMappings: options.bridgeMappings,
          intervalMs: options.reportIntervalMs,
          log,
          onRevived: () => this.#doubt('neutron-server had taken the agent for dead'),
        }),
    );
    this.#subscription = new Subscription(connection, {
      queue: `neutron-zvm-agent.${options.host}`,
      topics: TOPICS,
      flags,
      log,
      onConnected: (backlog) => {
        if (backlog > 0) log.info({ host: options.host, backlog }, 'messages have waited for this agent');
        if (!this.#started) return;
        this.#doubt('the connection to the broker is new');
        for (const reporter of this.#reporters) void reporter.reportNow();
      },
      onDisconnected: () => {
        this.#known = undefined;
      },
      onMessages: (messages, backlog) => this.#take(messages, backlog),
    });
  }

  /** Wait for a server, report, and look at everything. Ends when the first reports are made. */
  async start(): Promise<void> {
    const { host, log } = this.#options;
    let told = false;
    while (!this.#stopped) {
      try {
        if (await this.#api.hasAliveServer(this.#options.reportIntervalMs)) break;
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        if (!told) log.warn({ host, reason }, 'waiting for neutron-server');
        told = true;
        if (error instanceof Error && 'retryable' in error && error.retryable === false) throw error;
      }
      await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
    }
    for (const reporter of this.#reporters) await reporter.start();
    this.#started = true;
    this.#doubt('the agent has started');
  }

  /** Report and listen no more. */
  stop(): void {
    this.#stopped = true;
    for (const reporter of this.#reporters) reporter.stop();
  }

  /** Ends when what was heard has been handed on. */
  async idle(): Promise<void> {
    await Promise.all([this.#subscription.idle(), this.#resolving]);
  }

  get #hosts(): string[] {
    const { host, dhcpHost } = this.#options;
    return dhcpHost === undefined ? [host] : [host, dhcpHost];
  }

  async #take(messages: readonly Incoming[], backlog: boolean): Promise<void> {
    const portIds = new Set<PortId>();
    const networkIds = new Set<string>();
    for (const event of messages.flatMap(eventsOf)) {
      if ('portId' in event) {
        if (this.#concerns(event, backlog)) portIds.add(event.portId);
      } else if (this.#isNetworkHere(event)) networkIds.add(event.networkId);
    }
    if (portIds.size + networkIds.size === 0) return;
    await this.#options.onNews({ portIds: [...portIds], networkIds: [...networkIds] });
    // What is gone is forgotten only once it has been handed on.
    for (const event of messages.flatMap(eventsOf)) if ('portId' in event) this.#remember(event);
  }

  /** While it is not known which ports are here, and for messages that have waited, everything may be. */
  #concerns(event: Extract<NeutronEvent, { portId: PortId }>, backlog: boolean): boolean {
    if (backlog || this.#known === undefined || this.#known.has(event.portId)) return true;
    return event.kind !== 'portDeleted' && this.#hosts.includes(event.host);
  }

  #remember(event: Extract<NeutronEvent, { portId: PortId }>): void {
    if (event.kind === 'portDeleted') this.#known?.delete(event.portId);
    else if (event.kind === 'port' && this.#hosts.includes(event.host)) this.#known?.add(event.portId);
    else if (event.kind === 'port') this.#known?.delete(event.portId);
  }

  #isNetworkHere(event: Extract<NeutronEvent, { networkId: string }>): boolean {
    if (event.kind === 'networkDeleted') return true;
    return event.segments.some(
      ({ physicalNetwork }) => physicalNetwork !== undefined && physicalNetwork in this.#options.bridgeMappings,
    );
  }

  #doubt(reason: string): void {
    this.#doubts.push(reason);
    this.#resolving ??= this.#resolve().finally(() => {
      this.#resolving = undefined;
    });
  }

  async #resolve(): Promise<void> {
    const { host, log, onDoubt } = this.#options;
    while (this.#doubts.length > 0 && !this.#stopped) {
      const [reason = ''] = this.#doubts;
      const count = this.#doubts.length;
      try {
        const ports = await Promise.all(this.#hosts.map((name) => this.#api.portsOfHost(name)));
        this.#known = new Set(ports.flat().map((port) => port.portId));
        log.info({ host, reason, ports: this.#known.size }, 'full synchronisation');
        await onDoubt(reason);
        this.#doubts.splice(0, count);
      } catch (error) {
        if (this.#stopped) return;
        const why = error instanceof Error ? error.message : String(error);
        log.warn({ host, reason: why }, 'full synchronisation failed and is tried again');
        await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
      }
    }
  }
}
