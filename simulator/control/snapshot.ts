import { z } from 'zod';
import type { ManagementNode } from '../xcat/management-node.ts';
import { type Guest, makeGuest } from '../zvm/guest.ts';
import { Asked, Release } from '../zvm/release.ts';
import type { ZvmSystem } from '../zvm/system.ts';
import { makeVswitch, type Vswitch } from '../zvm/vswitch.ts';

const portType = z.enum(['ACCESS', 'TRUNK']);
const authorisation = { vlans: z.array(z.number()), portType, promiscuous: z.boolean(), persist: z.boolean() };

const VswitchSnapshot = z.strictObject({
  name: z.string(),
  transport: z.enum(['IP', 'ETHERNET']),
  aware: z.boolean(),
  defaultVlan: z.number(),
  nativeVlan: z.number(),
  portType,
  portBased: z.boolean(),
  gvrp: z.boolean(),
  isolated: z.boolean(),
  macProtect: z.boolean(),
  queue: z.number(),
  router: z.boolean(),
  rdevs: z.array(z.string()),
  failed: z.array(z.string()),
  portName: z.string(),
  controller: z.string(),
  connected: z.boolean(),
  persist: z.boolean(),
  mac: z.string(),
  authorisations: z.array(z.tuple([z.string(), z.strictObject(authorisation)])),
  ports: z.array(z.tuple([z.number(), z.strictObject({ ...authorisation, userid: z.string() })])),
});

const NicdefSnapshot = z.object({
  vdev: z.string(),
  type: z.string(),
  devices: z.number().nullable(),
  lan: z.strictObject({ owner: z.string(), name: z.string() }).nullable(),
  chpid: z.string().nullable(),
  macid: z.string().nullable(),
  portNumber: z.number().nullable(),
  portType: portType.optional(),
  vlans: z.array(z.number()).optional(),
  promiscuous: z.boolean().optional(),
  further: z.array(z.string()).optional(),
  written: z.array(z.string()).optional(),
});

const Connection = z.strictObject({
  right: z.enum(['grant', 'port', 'directory']),
  portType,
  promiscuous: z.boolean(),
  cpPort: z.number(),
});

const NicSnapshot = z.strictObject({
  vdev: z.string(),
  type: z.string(),
  devices: z.number(),
  mac: z.string(),
  vswitch: z.string().nullable(),
  vlans: z.array(z.number()),
  port: z.number().nullable(),
  connection: Connection.optional(),
  nicdef: NicdefSnapshot.optional(),
});

const GuestSnapshot = z.strictObject({
  userid: z.string(),
  service: z.boolean(),
  loggedOn: z.boolean(),
  userPrefix: z.string().nullable(),
  entry: z.strictObject({
    records: z.array(z.string()),
    online: z.array(z.string()).optional(),
    lock: z.enum(['none', 'smapi', 'administrator']),
  }),
  devices: z.array(z.strictObject({ vdev: z.string(), count: z.number(), kind: z.string() })),
  nics: z.array(NicSnapshot),
});

const Named = z.array(z.strictObject({ name: z.string(), statements: z.array(z.string()) }));

/** All that a management node and its z/VM systems are at one moment, as JSON. */
export const Snapshot = z.strictObject({
  version: z.literal(2),
  bootTime: z.iso.datetime(),
  interfaces: z.array(z.tuple([z.string(), z.strictObject({ address: z.string(), mask: z.string() })])),
  nodes: z.array(z.tuple([z.string(), z.record(z.string(), z.string())])),
  tables: z.record(z.string(), z.array(z.record(z.string(), z.string().nullable()))),
  systems: z.array(
    z.strictObject({
      zhcpNode: z.string(),
      iplTime: z.iso.datetime(),
      reachable: z.boolean(),
      nextMacid: z.number(),
      vswitches: z.array(VswitchSnapshot),
      release: Release,
      behaviour: Asked,
      profiles: Named,
      subconfigs: Named,
      guests: z.array(GuestSnapshot),
    }),
  ),
});
export type Snapshot = z.infer<typeof Snapshot>;

/** Takes a snapshot; what changes later does not reach it. */
export function takeSnapshot(mn: ManagementNode): Snapshot {
  const snapshot: Snapshot = {
    version: 2,
    bootTime: mn.bootTime.toISOString(),
    interfaces: [...mn.interfaces],
    nodes: [...mn.nodes].map(([node, attributes]) => [node, Object.fromEntries(attributes)]),
    tables: Object.fromEntries(mn.tables.names().map((name) => [name, mn.tables.list(name)])),
    systems: mn.systems.map((system) => ({
      zhcpNode: system.zhcpNode,
      iplTime: system.iplTime.toISOString(),
      reachable: system.reachable,
      nextMacid: system.nextMacid,
      vswitches: [...system.vswitches.values()].map((vswitch) => ({
        ...vswitch,
        authorisations: [...vswitch.authorisations],
        ports: [...vswitch.ports],
      })),
      release: system.release,
      behaviour: system.asked,
      profiles: [...system.profiles.values()],
      subconfigs: [...system.dirmaint.subconfigs.values()],
      guests: [...system.guests.values()].map(snapshotOf),
    })),
  };
  return structuredClone(snapshot);
}

function snapshotOf({
  entry,
  nics,
  userid,
  service,
  loggedOn,
  userPrefix,
  devices,
}: Guest): Snapshot['systems'][number]['guests'][number] {
  const { records, online, lock } = entry;
  return {
    userid,
    service,
    loggedOn,
    userPrefix,
    devices,
    entry: { records: [...records], ...(online && { online: [...online] }), lock },
    nics: nics.map((nic) => NicSnapshot.parse(nic)),
  };
}

/** Makes the management node what a snapshot says. Throws an Error when it has other z/VM systems than this one. */
export function restoreSnapshot(mn: ManagementNode, snapshot: Snapshot): void {
  const wanted = snapshot.systems.map((system) => system.zhcpNode).join();
  const here = mn.systems.map((system) => system.zhcpNode).join();
  if (wanted !== here) throw new Error(`the snapshot is of z/VM systems behind ${wanted}, this simulator has ${here}`);
  const { bootTime, interfaces, nodes, tables, systems } = structuredClone(snapshot);
  mn.bootTime = new Date(bootTime);
  replace(mn.interfaces, interfaces);
  replace(
    mn.nodes,
    nodes.map(([node, attributes]) => [node, new Map(Object.entries(attributes))] as const),
  );
  for (const [name, rows] of Object.entries(tables)) mn.tables.replace(name, rows);
  for (const [index, system] of systems.entries()) {
    const target = mn.systems[index];
    if (target !== undefined) restoreSystem(target, system);
  }
}

function restoreSystem(system: ZvmSystem, from: Snapshot['systems'][number]): void {
  system.iplTime = new Date(from.iplTime);
  system.reachable = from.reachable;
  system.behave(from.release, from.behaviour);
  system.nextMacid = from.nextMacid;
  const vswitches = from.vswitches.map(({ authorisations, ports, ...fields }): [string, Vswitch] => {
    const vswitch = makeVswitch(fields.name, fields);
    replace(vswitch.authorisations, authorisations);
    replace(vswitch.ports, ports);
    return [vswitch.name, vswitch];
  });
  replace(system.vswitches, vswitches);
  replace(
    system.profiles,
    from.profiles.map((profile) => [profile.name, profile] as const),
  );
  replace(
    system.dirmaint.subconfigs,
    from.subconfigs.map((subconfig) => [subconfig.name, subconfig] as const),
  );
  // The commands of service machines hold on to their guests: these are changed, not replaced.
  const guests = from.guests.map(({ entry, ...live }) => {
    const guest = Object.assign(system.guests.get(live.userid) ?? makeGuest(live.userid), live);
    guest.entry.restore(entry.records, entry.online, entry.lock);
    return guest;
  });
  replace(
    system.guests,
    guests.map((guest) => [guest.userid, guest] as const),
  );
}

function replace<Key, Value>(map: Map<Key, Value>, entries: Iterable<readonly [Key, Value]>): void {
  const wanted = [...entries];
  map.clear();
  for (const [key, value] of wanted) map.set(key, value);
}
