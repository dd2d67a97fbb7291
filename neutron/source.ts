import type { NeutronPort, Segment } from '../domain/host/neutron-port.ts';
import type { PortId } from '../domain/text/identifiers.ts';
import { NeutronError } from './errors.ts';
import type { NeutronNetwork } from './messages.ts';
import type { PluginApi } from './plugin-api.ts';
import type { NeutronRest } from './rest-client.ts';

type Status = { up: readonly PortId[]; down: readonly PortId[] };

/** The ports that Neutron wants on one z/VM host, and the way to report their status. */
export type PortSource = {
  portsOfHost(host: string): Promise<NeutronPort[]>;
  ports(portIds: readonly PortId[]): Promise<NeutronPort[]>;
  bind(host: string, portIds: readonly PortId[]): Promise<void>;
  report(host: string, statuses: Status, progress: () => void): Promise<{ failed: PortId[] }>;
};

type Reader = Pick<PluginApi | NeutronRest, 'portsOfHost' | 'ports' | 'networks'>;

/**
 * The port source of a host. It lists ports by REST where that is configured, else by RPC. It reads single ports by RPC, where the agent is an
 * administrator, else by REST. It reports by RPC. The host's `physicalNetworks` choose among the segments of a network. Throws an Error when neither
 * REST nor RPC is given.
 */
export function portSource(
  { rpc, rest }: { rpc: PluginApi | undefined; rest: NeutronRest | undefined },
  physicalNetworks: readonly string[],
): PortSource {
  const lister: Reader | undefined = rest ?? rpc;
  const reader: Reader | undefined = rpc ?? rest;
  if (lister === undefined || reader === undefined) throw new Error('neither transport_url nor quantum_url is given');
  const withNetworks = async (by: Reader, ports: NeutronPort[]): Promise<NeutronPort[]> => {
    const bare = ports.filter(lacksNetwork);
    if (bare.length === 0) return ports;
    const networks = new Map((await by.networks(bare.map((port) => port.networkId))).map((each) => [each.id, each]));
    return ports.map((port) => {
      const network = networks.get(port.networkId);
      return network === undefined || port.binding !== 'bound' ? port : onNetwork(port, network, physicalNetworks);
    });
  };
  return {
    portsOfHost: async (host) => withNetworks(lister, await lister.portsOfHost(host)),
    ports: async (portIds) => (portIds.length === 0 ? [] : withNetworks(reader, await reader.ports(portIds))),
    bind: async (host, portIds) => {
      // Only RPC can bind: without it the ports stay unbound.
      await rpc?.bind(host, portIds);
    },
    report: async (host, statuses, progress) => {
      if (rpc === undefined)
        throw new NeutronError(
          'unauthorised',
          'report ports',
          'transport_url is not given: a status cannot be reported',
        );
      return rpc.report(host, statuses, progress);
    },
  };
}

/** True when the network is needed: for an unknown segment, or for the QoS policy of a port that is to be reported up. */
function lacksNetwork({ binding, segment, status, qosPolicy }: NeutronPort): boolean {
  return binding === 'bound' && (segment === undefined || (status !== 'ACTIVE' && qosPolicy === undefined));
}

function onNetwork(port: NeutronPort, network: NeutronNetwork, physicalNetworks: readonly string[]): NeutronPort {
  const segment = port.segment ?? segmentOn(network, physicalNetworks);
  const qosPolicy = port.qosPolicy ?? network.qosPolicy;
  return {
    ...port,
    ...(segment === undefined ? {} : { segment }),
    ...(qosPolicy === undefined ? {} : { qosPolicy }),
  };
}

function segmentOn({ segments }: NeutronNetwork, physicalNetworks: readonly string[]): Segment | undefined {
  const [only, ...more] = segments;
  if (more.length === 0) return only;
  return segments.find(
    ({ physicalNetwork }) => physicalNetwork !== undefined && physicalNetworks.includes(physicalNetwork),
  );
}
