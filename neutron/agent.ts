import { setTimeout as sleep } from 'node:timers/promises';
import type { NeutronPort } from '../domain/host/neutron-port.ts';
import type { PortId } from '../domain/text/identifiers.ts';
import { askForUnbound } from './binding.ts';
import type { BrokerConnection, BrokerLog } from './broker-connection.ts';
import type { Incoming } from './envelope.ts';
import type { ExchangeFlags } from './exchanges.ts';
import { eventsOf, type NeutronEvent, TOPICS } from './notifications.ts';
import type { PluginApi } from './plugin-api.ts';
import { PortsHere } from './ports-here.ts';
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
  /** False when z/VM cannot be reached: the server is then told nothing, and takes the agent for dead. */
  isReachable(): boolean;
  flags: ExchangeFlags;
  log: BrokerLog;
  /** Hand news on; what it rejects is heard again. */
  onNews(news: News): Promise<void>;
  /** Everything has to be looked at. */
  onDoubt(reason: string): Promise<void>;
};

const AGAIN_MS = 2_000;
const LONGEST_PAUSE_MS = 30_000;

/**
 * The L2 agent of one z/VM host: tells the server that it lives, and hands on what the server's messages are about. It keeps nothing that it
 * could not ask for again: at the start, after each new connection and when it was taken for dead, everything is in doubt.
 */
export class L2Agent {
  readonly #api: PluginApi;
  readonly #options: AgentOptions;
  readonly #reporters: StateReporter[];
  readonly #subscription: Subscription;
  readonly #ports = new PortsHere();
  #doubts: string[] = [];
  #resolving: Promise<void> | undefined;
  #started = false;
  readonly #ending = new AbortController();
  #warned = false;
  /** z/VM has answered once, or the agent ends before it has. */
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
      onDisconnected: () => this.#ports.forget(),
      onBoundAgain: () => {
        this.#ports.forget();
        this.#doubt('the bindings of its queue were removed at the broker');
      },
      onTakenOver: () => {
        log.info({ host: options.host }, 'this process has taken over from another');
        this.#ports.forget();
        this.#doubt('another process has had the messages so far');
      },
      onMessages: (messages, backlog) => this.#take(messages, backlog),
    });
  }

  /** z/VM can be reached: report at once, and look at everything, since it may have been started anew. */
  zvmIsBack(): void {
    this.#awake.resolve();
    if (!this.#started) return;
    for (const reporter of this.#reporters) void reporter.reportNow();
    this.#doubt('z/VM can be reached again');
  }

  /** Wait for a server and for z/VM, report, and look at everything. Ends when the first reports are made. */
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
      await sleep(AGAIN_MS, undefined, { signal: this.#ending.signal }).catch(() => undefined);
    }
    if (!this.#options.isReachable()) await this.#awake.promise;
    if (this.#stopped) return;
    for (const reporter of this.#reporters) await reporter.start();
    this.#started = true;
    this.#doubt('the agent has started');
  }

  get #stopped(): boolean {
    return this.#ending.signal.aborted;
  }

  /** Report and listen no more. */
  stop(): void {
    this.#ending.abort();
    this.#awake.resolve();
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

  async #portsHere(): Promise<NeutronPort[]> {
    return (await Promise.all(this.#hosts.map((name) => this.#api.portsOfHost(name)))).flat();
  }

  /** What was made while the agent was away is bound when it is asked for. Not at each message: asking changes the port, and is a message. */
  async #bindFailed(ports: readonly NeutronPort[]): Promise<void> {
    const isFailed = ({ binding }: NeutronPort) => binding === 'failed';
    const failed = ports.filter(isFailed).map(({ portId }) => portId);
    await askForUnbound(this.#api, this.#hosts, failed, isFailed);
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
    // What is gone is forgotten only once it has been handed on.
    for (const event of messages.flatMap(eventsOf)) if ('portId' in event) this.#remember(event);
  }

  /** A VSWITCH enforces no security groups, and ports that are bound by this agent's word say so: these were bound before. */
  #warnOfFilters(event: NeutronEvent): void {
    if (this.#warned || event.kind !== 'port' || !event.filtered || event.host !== this.#options.host) return;
    this.#warned = true;
    this.#options.log.warn(
      { host: event.host, port: event.portId },
      'Neutron says of this port that its security groups are enforced, but a VSWITCH cannot: bind it again, and it says so no more',
    );
  }

  /** While it is not known which ports are here, and for messages that have waited, everything may be. */
  #concerns(event: Extract<NeutronEvent, { portId: PortId }>, backlog: boolean): boolean {
    if (backlog || this.#ports.mayHave(event.portId)) return true;
    return event.kind !== 'portDeleted' && this.#hosts.includes(event.host);
  }

  #remember(event: Extract<NeutronEvent, { portId: PortId }>): void {
    if (event.kind === 'portDeleted') this.#ports.heard(event.portId);
    else if (event.kind === 'port')
      this.#ports.heard(event.portId, this.#hosts.includes(event.host) ? event.networkId : undefined);
  }

  #doubt(reason: string): void {
    this.#doubts.push(reason);
    this.#resolving ??= this.#resolve().finally(() => {
      this.#resolving = undefined;
    });
  }

  async #readAll(reason: string): Promise<void> {
    const { host, log } = this.#options;
    const here = this.#portsHere();
    const ports = await this.#ports.learn(() => here);
    log.info({ host, reason, ports }, 'full synchronisation');
    await this.#bindFailed(await here);
  }

  async #resolve(): Promise<void> {
    const { host, log, onDoubt } = this.#options;
    let pause = AGAIN_MS;
    let read = 0;
    while (this.#doubts.length > 0 && !this.#stopped) {
      const [reason = ''] = this.#doubts;
      const count = this.#doubts.length;
      try {
        // Not again while only Temporal is away: ports that nobody can bind would be in BUILD each time.
        if (count > read) await this.#readAll(reason);
        read = count;
        await onDoubt(reason);
        this.#doubts.splice(0, count);
        read = 0;
        pause = AGAIN_MS;
      } catch (error) {
        if (this.#stopped) return;
        const why = error instanceof Error ? error.message : String(error);
        log.warn({ host, reason: why }, 'full synchronisation failed and is tried again');
        await sleep(pause, undefined, { signal: this.#ending.signal }).catch(() => undefined);
        pause = Math.min(2 * pause, LONGEST_PAUSE_MS);
      }
    }
  }
}
