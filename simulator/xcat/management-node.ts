import { makeVmcp } from '../cp/vmcp.ts';
import { DirMaint } from '../directory/dirmaint.ts';
import type { EventLog } from '../events.ts';
import type { FaultBoard } from '../faults.ts';
import type { Settings } from '../options.ts';
import type { External, Machine } from '../shell/machine.ts';
import type { Kind } from '../smcli/function.ts';
import { Smcli } from '../smcli/program.ts';
import { Guest, makeGuest } from '../zvm/guest.ts';
import { guestName } from '../zvm/guest-name.ts';
import { ZvmSystem } from '../zvm/system.ts';
import { makeVswitch } from '../zvm/vswitch.ts';
import { xcatCommands } from './commands.ts';
import { makehosts } from './hosts-file.ts';
import { type Element, Tables } from './tables.ts';

const MN_NODE = 'xcat';
const MN_ADDRESS = '10.1.0.2';
const MN_VDEV = '0600';

/** The xCAT management node with everything behind it: tables, node definitions, machines, z/VM systems. */
export class ManagementNode {
  readonly name = MN_NODE;
  readonly tables = new Tables();
  /** node definitions: what a noderange may name */
  readonly nodes = new Map<string, Map<string, string>>();
  readonly systems: ZvmSystem[] = [];
  readonly settings: Settings;
  bootTime = new Date(Date.now() - 5 * 86_400_000);
  private readonly machines = new Map<string, Machine>();
  readonly interfaces = new Map<string, { address: string; mask: string }>();
  private readonly events: EventLog;

  constructor(settings: Settings, events: EventLog, faults: FaultBoard) {
    this.settings = settings;
    this.events = events;
    this.tables.put('passwd', { key: 'xcat', username: settings.username, password: settings.password });
    this.tables.put('policy', { priority: '1', name: 'root', rule: 'allow' });
    this.tables.put('policy', { priority: '6', name: settings.username, rule: 'allow' });
    this.tables.put('site', { key: 'master', value: MN_ADDRESS });
    this.tables.put('site', { key: 'domain', value: 'zvm.example' });
    this.tables.put('hosts', { node: MN_NODE, ip: MN_ADDRESS });
    for (let index = 1; index <= settings.hosts; index++) this.addSystem(index, faults);
    if (settings.ssi) this.joinCluster();
  }

  /** The system whose zHCP is that node or has that host name. */
  systemOf(hcp: string): ZvmSystem | undefined {
    return this.systems.find((system) => system.zhcpNode === hcp.split('.')[0]);
  }

  /** The machine behind a node, when one can reach it over ssh. */
  machine(node: string): Machine | undefined {
    if (this.systemOf(node)?.reachable === false) return undefined;
    return this.machines.get(node);
  }

  /** The files of the management node's own Linux. */
  get files(): Map<string, string> {
    return this.machines.get(MN_NODE)?.files ?? new Map();
  }

  /** `makehosts` with these arguments. */
  makehosts(argv: readonly string[]): Element[] {
    const elements = makehosts(this.tables, this.files, argv);
    this.events.record('makehosts', { arguments: [...argv] });
    return elements;
  }

  /** `makedns`: what it prints is not known (docs/reference/xcat.md 7). */
  makedns(): Element[] {
    this.events.record('makedns', {});
    return [{ info: ['Handling DNS entries.'] }];
  }

  /** Defines a node as mkdef does: a definition and its zvm row. */
  define(node: string, attributes: Record<string, string>): void {
    const before = this.nodes.get(node) ?? new Map<string, string>();
    this.nodes.set(node, new Map([...before, ...Object.entries(attributes)]));
    const { hcp, userid, groups } = attributes;
    if (groups !== undefined) this.tables.put('nodelist', { node, groups });
    if (hcp !== undefined && userid !== undefined) this.tables.put('zvm', { node, hcp, userid });
  }

  /** Restart of the MN: temporary adapters and addresses are gone (docs/reference/zvm.md 4.2). */
  restart(): void {
    const system = this.systems[0];
    const guest = system?.guest(MN_NODE);
    if (system && guest) for (const nic of [...guest.nics]) if (nic.vdev !== MN_VDEV) system.removeNic(guest, nic.vdev);
    this.interfaces.clear();
    this.bootTime = new Date(Math.max(Date.now(), this.bootTime.getTime() + 1000));
    this.events.record('restart', {});
  }

  /** Each member knows the users of all: one directory, and what runs where. */
  private joinCluster(): void {
    const all = this.systems.flatMap((system) => [...system.guests.values()]);
    for (const system of this.systems) {
      system.members = this.systems;
      for (const { entry, service } of all)
        if (!system.guest(entry.userid)) system.guests.set(entry.userid, Object.assign(new Guest(entry), { service }));
    }
  }

  /** Members of an SSI cluster share the directory manager of the first. */
  private dirmaint(): DirMaint {
    const first = this.settings.ssi ? this.systems[0]?.dirmaint : undefined;
    return first ?? new DirMaint(this.settings.directoryParallelism);
  }

  private addSystem(index: number, faults: FaultBoard): void {
    const system = new ZvmSystem(index, this.settings, this.events, this.dirmaint());
    this.systems.push(system);
    const base = { persist: true, rdevs: ['6263'] };
    const vswitches = [
      makeVswitch('VSWFLAT', { ...base, mac: '020000000012' }),
      makeVswitch('VSW1', {
        ...base,
        aware: true,
        defaultVlan: 1,
        nativeVlan: 1,
        mac: '020000000013',
        rdevs: ['6266'],
      }),
      makeVswitch('VSW2', {
        ...base,
        aware: true,
        defaultVlan: 1,
        nativeVlan: 1,
        mac: '020000000014',
        rdevs: ['6269'],
      }),
      makeVswitch('VSWPORT', { ...base, aware: true, defaultVlan: 1, nativeVlan: 1, portBased: true, rdevs: ['626C'] }),
      makeVswitch('VSWL3', { ...base, transport: 'IP', rdevs: ['626F'] }),
    ];
    for (const vswitch of vswitches) system.vswitches.set(vswitch.name, vswitch);
    const hcp = `${system.zhcpNode}.zvm.example`;
    const service = makeGuest(system.zhcpUserid, { service: true, loggedOn: true });
    system.guests.set(service.userid, service);
    this.define(system.zhcpNode, { groups: 'all', hcp, mgt: 'zvm', userid: system.zhcpUserid });
    this.tables.put('hosts', { node: system.zhcpNode, ip: `10.1.0.${10 + index}`, hostnames: hcp });
    const smcli = new Smcli(system, this.settings, this.events, faults);
    const program =
      (kind: Kind): External =>
      async (argv, io) => {
        const readFile = (path: string) => this.machines.get(system.zhcpNode)?.files.get(path);
        const { stdout, stderr, status } = await smcli.run(kind, argv, { stdin: io.stdin, readFile });
        io.out.write(stdout);
        io.err.write(stderr);
        return status;
      };
    const own = program('zhcp');
    const commands: Record<string, External> = {
      smcli: own,
      '/opt/zhcp/bin/smcli': own,
      '/opt/zthin/bin/smcli': program('zthin'),
    };
    this.addMachine(system.zhcpNode, system, service, commands, () => system.iplTime);
    if (index === 1) this.addSelf(system, hcp);
    for (let number = 1; number <= this.settings.guests; number++) {
      const userid = guestName(index, number);
      const guest = makeGuest(userid);
      system.guests.set(userid, guest);
      if (number % 2 === 1) system.logon(guest);
      this.define(userid.toLowerCase(), { groups: 'all', hcp, mgt: 'zvm', userid });
    }
  }

  private addSelf(system: ZvmSystem, hcp: string): void {
    const admin = makeVswitch('XCATVSW1', { persist: true, rdevs: ['6260'], mac: '020000000011' });
    admin.authorisations.set('XCAT', { vlans: [], portType: 'ACCESS', promiscuous: false, persist: true });
    system.vswitches.set(admin.name, admin);
    const lan = { owner: 'SYSTEM', name: admin.name };
    const nicdef = {
      vdev: MN_VDEV,
      type: 'QDIO' as const,
      devices: 3,
      lan,
      chpid: null,
      macid: '000538',
      portNumber: null,
    };
    const self = makeGuest('XCAT', { service: true, nicdefs: [nicdef], userPrefix: '020006' });
    system.guests.set(self.userid, self);
    system.logon(self);
    this.define(MN_NODE, { groups: 'all', hcp, mgt: 'zvm', userid: 'XCAT' });
    const commands = {
      ...xcatCommands(this, this.settings.mnCommandMs),
      ifconfig: this.ifconfig(self),
      '/usr/bin/perl': this.perl(),
    };
    this.addMachine(MN_NODE, system, self, commands, () => this.bootTime);
  }

  private addMachine(
    node: string,
    system: ZvmSystem,
    guest: Guest,
    commands: Record<string, External>,
    bootTime: () => Date,
  ): void {
    this.machines.set(node, { files: new Map(), commands: { vmcp: makeVmcp(system, guest), ...commands }, bootTime });
  }

  private ifconfig(self: Guest): External {
    return async (argv, io) => {
      const name = argv[0] ?? '';
      const set = this.interfaces.get(name);
      if (!set && !self.nics.some((nic) => name.toUpperCase().endsWith(nic.vdev))) {
        io.err.write(`${name}: error fetching interface information: Device not found\n`);
        return 1;
      }
      io.out.write(`${name}: flags=4163<UP,BROADCAST,RUNNING,MULTICAST>  mtu 1500\n`);
      if (set) io.out.write(`        inet ${set.address}  netmask ${set.mask}  broadcast ${broadcast(set)}\n`);
      return 0;
    };
  }

  private perl(): External {
    return async (argv, io) => {
      const option = (name: string) => argv[argv.indexOf(name) + 1] ?? '';
      if (argv[0] !== '/usr/sbin/sspqeth2.pl' || !argv.includes('-e') || !argv.includes('-a')) {
        io.err.write(`Can't open perl script "${argv[0] ?? ''}": No such file or directory\n`);
        return 2;
      }
      this.interfaces.set(option('-e'), { address: option('-a'), mask: option('-m') });
      return 0;
    };
  }
}

function broadcast({ address, mask }: { address: string; mask: string }): string {
  const bits = mask.split('.').map(Number);
  return address
    .split('.')
    .map((byte, index) => Number(byte) | (255 - (bits[index] ?? 255)))
    .join('.');
}
