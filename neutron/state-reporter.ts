import { messageOf } from '../domain/text/error-message.ts';
import type { BrokerLog } from './broker-connection.ts';
import type { AgentState, PluginApi } from './plugin-api.ts';

export type ReporterOptions = {
  host: string;
  /** Physical network → VSWITCH: the server's mechanism driver looks it up to bind a port. */
  bridgeMappings: Readonly<Record<string, string>>;
  /** True where ports are plugged into VSWITCHes, which filter nothing; false for the DHCP node, where another agent plugs them. */
  plugsIntoVswitch: boolean;
  intervalMs: number;
  log: BrokerLog;
  /** False when z/VM cannot be reached: the agent then reports nothing. */
  isReachable(): boolean;
  /** Called when the server had taken this agent for dead or had forgotten it: it may have failed to bind ports meanwhile. */
  onRevived(): void;
  /** Called after each report; false when the server has not taken it. */
  onReported?(isTaken: boolean): void;
};

const BINARY = 'neutron-zvm-agent';

/** The stock agent's description of a switch in the kernel: the server treats its ports like those of other agents. */
const KERNEL_DATAPATH = { datapath_type: 'system', ovs_capabilities: { datapath_types: [], iface_types: [] } };
/**
 * The stock agent's description of a switch outside the kernel: the server gives its ports `port_filter: false`, no security groups enforced, and
 * `vif_type: vhostuser`. The agent's protocol has no other way to say that. Servers before 2017 know the first type only.
 */
const UNFILTERED_DATAPATH = {
  datapath_type: 'netdev',
  ovs_capabilities: { datapath_types: ['netdev'], iface_types: ['dpdkvhostuser', 'dpdkvhostuserclient'] },
};

/**
 * Reports at intervals that the agent of a host lives, as type `Open vSwitch agent`, for which the stock mechanism driver binds ports
 * (docs/reference/neutron.md 3.1). Does not depend on Temporal. It is silent while z/VM cannot be reached, as Neutron's own agent is when
 * its switch is dead: the server then binds no ports to the host.
 */
export class StateReporter {
  readonly #api: Pick<PluginApi, 'reportState'>;
  readonly #options: ReporterOptions;
  #timer: NodeJS.Timeout | undefined;
  #failing = false;
  #started = false;
  #stopped = false;

  constructor(api: Pick<PluginApi, 'reportState'>, options: ReporterOptions) {
    this.#api = api;
    this.#options = options;
  }

  /** Report at once and then at intervals. Resolves after the first report; never rejects. */
  async start(): Promise<void> {
    await this.#report();
    if (!this.#stopped) this.#timer = setInterval(() => void this.#report(), this.#options.intervalMs);
  }

  /** Report at once, as after a reconnect. */
  async reportNow(): Promise<void> {
    if (this.#timer !== undefined) await this.#report();
  }

  stop(): void {
    this.#stopped = true;
    clearInterval(this.#timer);
  }

  async #report(): Promise<void> {
    const { host, intervalMs, log, isReachable, onRevived, onReported } = this.#options;
    if (!isReachable()) return;
    try {
      const answer = await this.#api.reportState(this.#state(), new Date(), intervalMs);
      onReported?.(answer !== undefined);
      if (answer === undefined) {
        log.error(
          { host },
          'neutron-server ignores the reports of the agent as out of date: the clock of this machine is behind',
        );
        return;
      }
      if (this.#failing) log.info({ host }, 'state reported after a failure');
      // `new` after earlier reports: the agent was deleted from the server's list, or the earlier reports were lost.
      const wasAway = answer === 'revived' || (answer === 'new' && (this.#started || this.#failing));
      if (!this.#started || wasAway) log.info({ host, answer }, 'state reported');
      this.#failing = false;
      this.#started = true;
      if (wasAway) onRevived();
    } catch (error) {
      if (this.#stopped) return;
      onReported?.(false);
      const reason = messageOf(error);
      if (!this.#failing) log.warn({ host, reason }, 'report of the state failed');
      this.#failing = true;
    }
  }

  #state(): AgentState {
    const { host, bridgeMappings, plugsIntoVswitch } = this.#options;
    return {
      agent_type: 'Open vSwitch agent',
      binary: BINARY,
      host,
      topic: 'N/A',
      ...(this.#started ? {} : { start_flag: true }),
      configurations: {
        bridge_mappings: bridgeMappings,
        tunnel_types: [],
        tunneling_ip: null,
        ovs_hybrid_plug: false,
        l2_population: false,
        arp_responder_enabled: false,
        enable_distributed_routing: false,
        in_distributed_mode: false,
        extensions: [],
        ...(plugsIntoVswitch ? UNFILTERED_DATAPATH : KERNEL_DATAPATH),
      },
    };
  }
}
