import { z } from 'zod';
import type { NeutronPort } from '../domain/host/neutron-port.ts';
import type { PortId } from '../domain/text/identifiers.ts';
import { NeutronError } from './errors.ts';
import {
  DetailsList,
  NetworkObject,
  type NeutronNetwork,
  PortDictionary,
  PortObject,
  ReportAnswer,
  UpdatedDevices,
} from './messages.ts';
import type { RpcCall } from './rpc-client.ts';

/** A status change costs the server up to 100 ms; Neutron's own agents send the same number at once (contract neutron.md 4). */
const CHANGES_AT_ONCE = 20;
/** The first time limit of a reading. It is shorter than that of a change, since a reading can be repeated. */
const READ_MS = 20_000;
/** The largest value of `rpc_response_timeout`. */
const LONGEST_READ_MS = 3_600_000;
/** Readings are far cheaper than changes, but their answers are large. */
const READ_AT_ONCE = 200;
/** The oldest object versions with several bindings; servers convert to them (contract neutron.md 3.5). */
const PORT_VERSION = '1.4';
const NETWORK_VERSION = '1.0';

/** The transport of calls to a server. */
export type RpcCaller = { call(call: RpcCall): Promise<unknown> };

/** The reported ports that the server could not change. */
export type Reported = { failed: PortId[] };

/** The state report for `report_state`. */
export type AgentState = {
  agent_type: string;
  binary: string;
  host: string;
  topic: string;
  start_flag?: boolean;
  configurations: Record<string, unknown>;
};

/** The methods of neutron-server that an agent of type `Open vSwitch agent` needs. All throw a NeutronError. */
export class PluginApi {
  readonly #rpc: RpcCaller;
  /** Time limits of methods that have timed out: doubled each time, as Neutron's own agents do. */
  readonly #timeouts = new Map<string, number>();

  constructor(rpc: RpcCaller) {
    this.#rpc = rpc;
  }

  /** True when a server answers. */
  async hasAliveServer(timeoutMs: number): Promise<boolean> {
    const call = { topic: 'q-reports-plugin', method: 'has_alive_neutron_server', version: '1.2', args: {}, timeoutMs };
    return (await this.#rpc.call(call)) === true;
  }

  /** Report that an agent lives. Undefined when the server takes the report to be older than itself: the clocks differ. */
  async reportState(state: AgentState, now: Date, timeoutMs: number): Promise<'new' | 'alive' | 'revived' | undefined> {
    const args = {
      agent_state: { agent_state: state },
      // UTC without a zone, in microseconds (contract neutron.md 3.1).
      time: now.toISOString().replace('Z', '000'),
    };
    const answer = await this.#rpc.call({
      topic: 'q-reports-plugin',
      method: 'report_state',
      version: '1.2',
      args,
      timeoutMs,
    });
    return parsed('report_state', ReportAnswer, answer ?? null) ?? undefined;
  }

  /** All ports that are bound to a host, without their segments. Changes no port's status. */
  async portsOfHost(host: string): Promise<NeutronPort[]> {
    const answer = await this.#read('get_ports_by_vnic_type_and_host', '1.7', { vnic_type: 'normal', host });
    const ports = parsed('get_ports_by_vnic_type_and_host', z.array(PortDictionary), answer ?? []);
    return ports.filter((port) => port.host === host);
  }

  /** Ports by id with their bound segments; missing ports are left out. Changes no port's status. */
  async ports(portIds: readonly PortId[]): Promise<NeutronPort[]> {
    return this.#pull('Port', PORT_VERSION, z.array(PortObject), portIds);
  }

  /** Networks by id, with their segments. */
  async networks(ids: readonly string[]): Promise<NeutronNetwork[]> {
    return this.#pull('Network', NETWORK_VERSION, z.array(NetworkObject), ids);
  }

  /**
   * Read the details of ports, which makes the server bind those that it could not bind before. **The server puts each port that is up into
   * BUILD**, even an ACTIVE one: a report has to follow (contract neutron.md 3.2).
   */
  async bind(host: string, portIds: readonly PortId[]): Promise<void> {
    for (const devices of slices(portIds, CHANGES_AT_ONCE)) {
      const method = 'get_devices_details_list_and_failed_devices';
      parsed(method, DetailsList, await this.#plugin(method, '1.5', { ...agent(host), devices }));
    }
  }

  /** Report which ports of a host carry traffic and which do not. The server ignores ports that are no longer bound there. */
  async report(
    host: string,
    { up, down }: { up: readonly PortId[]; down: readonly PortId[] },
    progress?: () => void,
  ): Promise<Reported> {
    const failed = new Set<string>();
    const changes = [...up.map((device) => ({ device, up: true })), ...down.map((device) => ({ device, up: false }))];
    for (const slice of slices(changes, CHANGES_AT_ONCE)) {
      const answer = await this.#plugin('update_device_list', '1.5', {
        ...agent(host),
        devices_up: slice.filter((each) => each.up).map((each) => each.device),
        devices_down: slice.filter((each) => !each.up).map((each) => each.device),
      });
      const { failed_devices_up, failed_devices_down } = parsed('update_device_list', UpdatedDevices, answer);
      for (const device of [...(failed_devices_up ?? []), ...(failed_devices_down ?? [])]) failed.add(device);
      progress?.();
    }
    return { failed: changes.filter(({ device }) => failed.has(device)).map(({ device }) => device) };
  }

  async #pull<Item>(type: string, version: string, schema: z.ZodType<Item[]>, ids: readonly string[]): Promise<Item[]> {
    const found: Item[] = [];
    for (const slice of slices([...new Set(ids)], READ_AT_ONCE)) {
      const args = { resource_type: type, version, filter_kwargs: { id: slice } };
      found.push(...parsed('bulk_pull', schema, await this.#read('bulk_pull', '1.1', args)));
    }
    return found;
  }

  async #read(method: string, version: string, args: Record<string, unknown>): Promise<unknown> {
    const timeout = this.#timeouts.get(method) ?? READ_MS;
    try {
      return await this.#plugin(method, version, args, timeout);
    } catch (error) {
      if (error instanceof NeutronError && error.code === 'timeout')
        this.#timeouts.set(method, Math.min(LONGEST_READ_MS, 2 * timeout));
      throw error;
    }
  }

  #plugin(method: string, version: string, args: Record<string, unknown>, timeoutMs?: number): Promise<unknown> {
    return this.#rpc.call({
      topic: 'q-plugin',
      method,
      version,
      args,
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
    });
  }
}

function agent(host: string) {
  return { agent_id: `ovs-agent-${host}`, host };
}

function slices<Item>(items: readonly Item[], size: number): Item[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, index) =>
    items.slice(index * size, (index + 1) * size),
  );
}

function parsed<Output>(method: string, schema: z.ZodType<Output>, answer: unknown): Output {
  const result = schema.safeParse(answer);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw new NeutronError(
    'bad-answer',
    `call ${method}`,
    `${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'unreadable'}`,
  );
}
