import { randomUUID } from 'node:crypto';
import type { NeutronSource } from '../../activities/host-runtime.ts';
import type { NeutronPort } from '../../domain/host/neutron-port.ts';
import { Mac } from '../../domain/port/mac.ts';
import { PortId } from '../../domain/text/identifiers.ts';
import { NeutronError } from '../../neutron/errors.ts';

/** Ports of a Neutron in memory, with their reported statuses, for machines where no server can run. */
export class MemoryNeutron implements NeutronSource {
  readonly all = new Map<PortId, NeutronPort>();
  /** Each report in order: `up <id>` or `down <id>`. */
  readonly reports: string[] = [];
  /** Ports missing in each list. */
  readonly unlisted = new Set<PortId>();
  /** Ports that were looked up, in order. */
  readonly asked: PortId[] = [];
  /** Ports that cannot be read, a permanent failure. */
  readonly unreadable = new Set<PortId>();
  /** Ports on a physical network that no host has. */
  readonly unbindable = new Set<PortId>();
  /** Ports that another agent, such as a DHCP agent, has to report ready too. */
  readonly blocked = new Set<PortId>();
  /** Ports whose binding was requested, in order. */
  readonly bindings: PortId[] = [];
  #count = 0;

  add(port: Partial<NeutronPort> & Pick<NeutronPort, 'host' | 'deviceId'>): NeutronPort {
    this.#count += 1;
    const suffix = this.#count.toString(16).padStart(4, '0');
    const whole: NeutronPort = {
      portId: PortId.parse(randomUUID()),
      networkId: 'network',
      deviceOwner: 'compute:nova',
      mac: Mac.parse(`02000070${suffix}`),
      adminStateUp: true,
      status: 'DOWN',
      binding: 'bound',
      vnicType: 'normal',
      revision: 1,
      ...port,
    };
    this.all.set(whole.portId, whole);
    return whole;
  }

  change(portId: PortId, changes: Partial<NeutronPort>): void {
    const port = this.all.get(portId);
    if (port === undefined) throw new Error(`no port ${portId}`);
    this.all.set(portId, { ...port, ...changes, revision: (port.revision ?? 0) + 1 });
  }

  remove(portId: PortId): void {
    this.all.delete(portId);
  }

  async portsOfHost(host: string): Promise<NeutronPort[]> {
    return [...this.all.values()].filter((port) => port.host === host && !this.unlisted.has(port.portId));
  }

  async ports(portIds: readonly PortId[]): Promise<NeutronPort[]> {
    this.asked.push(...portIds);
    if (portIds.some((portId) => this.unreadable.has(portId)))
      throw new NeutronError('bad-answer', 'call bulk_pull', 'an answer that cannot be understood');
    return portIds.flatMap((portId) => this.all.get(portId) ?? []);
  }

  /** The behaviour of neutron-server: a request in the name of the port's host, or of none, puts the port into BUILD; any other changes nothing. */
  async bind(host: string, portIds: readonly PortId[]): Promise<void> {
    for (const portId of portIds) {
      this.bindings.push(portId);
      const port = this.all.get(portId);
      if (port === undefined || (host !== '' && host !== port.host)) continue;
      const status = port.adminStateUp ? 'BUILD' : 'DOWN';
      const isBindable = port.host !== '' && !this.unbindable.has(portId);
      this.change(portId, { status, ...(port.binding === 'bound' || !isBindable ? {} : { binding: 'bound' }) });
    }
  }

  async report(
    _host: string,
    { up, down }: { up: readonly PortId[]; down: readonly PortId[] },
  ): Promise<{ failed: PortId[] }> {
    for (const portId of up) this.#report('up', 'ACTIVE', portId);
    for (const portId of down) this.#report('down', 'DOWN', portId);
    return { failed: [] };
  }

  #report(word: string, status: string, portId: PortId): void {
    this.reports.push(`${word} ${portId}`);
    const port = this.all.get(portId);
    if (port === undefined || (status === 'ACTIVE' && (this.blocked.has(portId) || !port.adminStateUp))) return;
    if (port.status !== status) this.change(portId, { status });
  }
}
