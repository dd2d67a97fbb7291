import { z } from 'zod';
import type { NeutronApi } from '../../demo/openstack/neutron-api.ts';
import { pluginOn } from './plugin-on.ts';

/** A DHCP agent as neutron-server sees it: it reports, and serves ports (contract neutron.md 5.1 and 5.2). */
export class DhcpAgent {
  readonly #host: string;
  readonly #plugin: Awaited<ReturnType<typeof pluginOn>>;

  private constructor(host: string, plugin: Awaited<ReturnType<typeof pluginOn>>) {
    this.#host = host;
    this.#plugin = plugin;
  }

  static async start(transportUrl: string, host: string): Promise<DhcpAgent> {
    const plugin = await pluginOn(transportUrl);
    const state = {
      agent_type: 'DHCP agent',
      binary: 'neutron-dhcp-agent',
      host,
      topic: 'dhcp_agent',
      start_flag: true,
      configurations: { dhcp_driver: 'test', networks: 0, ports: 0, subnets: 0 },
    };
    await plugin.api.reportState(state, new Date(), 30_000);
    return new DhcpAgent(host, plugin);
  }

  /** Become the agent that serves a network. */
  async host(api: NeutronApi, networkId: string): Promise<void> {
    const { agents } = z
      .object({ agents: z.array(z.object({ id: z.string(), host: z.string() })) })
      .parse(await api.get('agents'));
    const id = agents.find((agent) => agent.host === this.#host)?.id ?? '';
    await api.post(`agents/${id}/dhcp-networks`, { network_id: networkId });
  }

  /** Report that a port's addresses are served. */
  async ready(portId: string): Promise<void> {
    await this.#plugin.rpc.call({
      topic: 'q-plugin',
      method: 'dhcp_ready_on_ports',
      version: '1.5',
      args: { port_ids: [portId] },
    });
  }

  close(): Promise<void> {
    return this.#plugin.close();
  }
}
