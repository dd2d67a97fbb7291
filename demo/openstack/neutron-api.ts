import { z } from 'zod';
import { defined } from '../../domain/defined.ts';

const PROJECT = 'demo';
const AT_ONCE = 4;

export const ApiPort = z.object({
  id: z.string(),
  network_id: z.string(),
  status: z.string(),
  mac_address: z.string(),
  admin_state_up: z.boolean(),
  device_id: z.string(),
  'binding:host_id': z.string(),
  'binding:vif_type': z.string(),
});
export type ApiPort = z.infer<typeof ApiPort>;

const ApiNetwork = z.object({ id: z.string(), 'provider:segmentation_id': z.number().nullable() });
const ApiAgent = z.object({ host: z.string(), alive: z.boolean(), binary: z.string(), agent_type: z.string() });

type NetworkOptions = { physicalNetwork: string; segmentationId?: number };
type PortOptions = {
  networkId: string;
  host?: string;
  deviceId?: string;
  deviceOwner?: string;
  mac?: string;
  adminStateUp?: boolean;
};

/** Neutron's REST API for an administrator, with tokens where there is a Keystone. Throws an Error with the server's answer. */
export class NeutronApi {
  readonly url: string;
  readonly #token: (() => Promise<string>) | undefined;

  constructor(url: string, token?: () => Promise<string>) {
    this.url = url;
    this.#token = token;
  }

  get(path: string): Promise<unknown> {
    return this.#request('GET', path);
  }

  post(path: string, body: unknown): Promise<unknown> {
    return this.#request('POST', path, body);
  }

  put(path: string, body?: unknown): Promise<unknown> {
    return this.#request('PUT', path, body);
  }

  /** A network of type vlan, or flat when no segmentation id is given, with a subnet. */
  async createNetwork({ physicalNetwork, segmentationId }: NetworkOptions, cidr = '10.64.0.0/16'): Promise<string> {
    const body = {
      network: {
        tenant_id: PROJECT,
        name: segmentationId === undefined ? 'flat' : `vlan${segmentationId}`,
        'provider:network_type': segmentationId === undefined ? 'flat' : 'vlan',
        'provider:physical_network': physicalNetwork,
        ...defined({ 'provider:segmentation_id': segmentationId }),
      },
    };
    const { network } = z.object({ network: ApiNetwork }).parse(await this.#request('POST', 'networks', body));
    const subnet = { network_id: network.id, tenant_id: PROJECT, ip_version: 4, cidr, enable_dhcp: true };
    await this.#request('POST', 'subnets', { subnet });
    return network.id;
  }

  async changeSegmentationId(networkId: string, segmentationId: number): Promise<void> {
    await this.#request('PUT', `networks/${networkId}`, { network: { 'provider:segmentation_id': segmentationId } });
  }

  async deleteNetwork(networkId: string): Promise<void> {
    await this.#request('DELETE', `networks/${networkId}`);
  }

  async createPort(options: PortOptions): Promise<ApiPort> {
    const body = { port: { tenant_id: PROJECT, ...portBody(options), network_id: options.networkId } };
    return portOf(await this.#request('POST', 'ports', body));
  }

  /** Create many ports, a few at a time. */
  async createPorts(all: readonly PortOptions[]): Promise<ApiPort[]> {
    const created: ApiPort[] = [];
    const left = [...all.entries()];
    const work = async () => {
      for (let next = left.shift(); next !== undefined; next = left.shift()) {
        created[next[0]] = await this.createPort(next[1]);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
    return created;
  }

  async updatePort(id: string, options: Omit<PortOptions, 'networkId'>): Promise<ApiPort> {
    return portOf(await this.#request('PUT', `ports/${id}`, { port: portBody(options) }));
  }

  async deletePort(id: string): Promise<void> {
    await this.#request('DELETE', `ports/${id}`);
  }

  async port(id: string): Promise<ApiPort> {
    return portOf(await this.#request('GET', `ports/${id}`));
  }

  async portsOf(host: string): Promise<ApiPort[]> {
    const answer = await this.#request('GET', `ports?binding:host_id=${host}`);
    return z.object({ ports: z.array(ApiPort) }).parse(answer).ports;
  }

  async agents(): Promise<z.infer<typeof ApiAgent>[]> {
    return z.object({ agents: z.array(ApiAgent) }).parse(await this.#request('GET', 'agents')).agents;
  }

  async #request(method: string, path: string, body?: unknown): Promise<unknown> {
    const answer = await fetch(`${this.url}/v2.0/${path}`, {
      method,
      headers: defined({
        'content-type': body === undefined ? undefined : 'application/json',
        'x-auth-token': await this.#token?.(),
      }),
      ...defined({ body: body === undefined ? undefined : JSON.stringify(body) }),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    return text === '' ? undefined : JSON.parse(text);
  }
}

function portOf(answer: unknown): ApiPort {
  return z.object({ port: ApiPort }).parse(answer).port;
}

function portBody({ host, deviceId, deviceOwner, mac, adminStateUp }: Omit<PortOptions, 'networkId'>) {
  return defined({
    'binding:host_id': host,
    device_id: deviceId,
    device_owner: deviceId === undefined ? undefined : (deviceOwner ?? 'compute:nova'),
    mac_address: mac,
    admin_state_up: adminStateUp,
  });
}
