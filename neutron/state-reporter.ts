import type { BrokerLog } from './broker-connection.ts';
import type { AgentState, PluginApi } from './plugin-api.ts';

export type ReporterOptions = {
  host: string;
  /** Physical network → VSWITCH, as the server's mechanism driver looks it up when it binds a port. */
  bridgeMappings: Readonly<Record<string, string>>;
  /** True where ports are plugged into VSWITCHes, which filter nothing; false for the DHCP node, on which somebody else plugs them. */
  plugsIntoVswitch: boolean;
  intervalMs: number;
  log: BrokerLog;
  /** False when z/VM cannot be reached: nothing is reported then. */
  isReachable(): boolean;
  /** The server has taken this agent to be dead, or did not know it any more: it may have failed to bind ports meanwhile. */
  onRevived(): void;
};

const BINARY = 'neutron-zvm-agent';

/** How the stock agent describes its own switch in the kernel, of whose ports the server says whatever it says of all. */
const KERNEL_DATAPATH = { datapath_type: 'system', ovs_capabilities: { datapath_types: [], iface_types: [] } };
/**
 * How the stock agent describes a switch outside of the kernel: of its ports the server says `port_filter: false`, that nobody enforces security
 * groups on them, and `vif_type: vhostuser`; of those of other agents it goes on to say what it does. There is no other word for it in the
 * agent's protocol. Servers before 2017 know the first type alone.
 */
const UNFILTERED_DATAPATH = {
  datapath_type: 'netdev',
  ovs_capabilities: { datapath_types: ['netdev'], iface_types: ['dpdkvhostuser', 'dpdkvhostuserclient'] },
};

/**
 * Tells the server at intervals that the agent of a host lives, as type `Open vSwitch agent`, for which the stock mechanism driver binds
 * ports (contract neutron.md 3.1). Does not depend on Temporal. While z/VM cannot be reached it is silent, as Neutron's own agent is when its
 * switch is dead: the server then binds no ports to the host.
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

  /** Report now, and from now on. The first report is over when the promise resolves; it does not fail. */
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
    const { host, intervalMs, log, isReachable, onRevived } = this.#options;
    if (!isReachable()) return;
    try {
      const answer = await this.#api.reportState(this.#state(), new Date(), intervalMs);
      if (answer === undefined) {
        log.error(
          { host },
          "neutron-server ignores the reports of this agent as out of date: this machine's clock is behind",
        );
        return;
      }
      if (this.#failing) log.info({ host }, 'successfully reported state after a previous failure');
      // New though it has reported before: somebody has deleted it from the server's list. Or those before have not come through.
      const wasAway = answer === 'revived' || (answer === 'new' && (this.#started || this.#failing));
      if (!this.#started || wasAway) log.info({ host, answer }, 'reported state');
      this.#failing = false;
      this.#started = true;
      if (wasAway) onRevived();
    } catch (error) {
      if (this.#stopped) return;
      const reason = error instanceof Error ? error.message : String(error);
      if (!this.#failing) log.warn({ host, reason }, 'state could not be reported');
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
