import { z } from 'zod';
import type { ManagementNode } from '../xcat/management-node.ts';
import { makeGuest } from '../zvm/guest.ts';
import type { ZvmSystem } from '../zvm/system.ts';
import { makeVswitch, type Vswitch } from '../zvm/vswitch.ts';

const portType = z.enum(['ACCESS', 'TRUNK']);
const authorisation = { vlans: z.array(z.number()), portType, promiscuous: z.boolean(), persist: z.boolean() };
const adapter = z.enum(['QDIO', 'HIPERS']);

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

const NicdefSnapshot = z.strictObject({
  vdev: z.string(),
  type: adapter,
  devices: z.number().nullable(),
  lan: z.strictObject({ owner: z.string(), name: z.string() }).nullable(),
  chpid: z.string().nullable(),
  macid: z.string().nullable(),
  portNumber: z.number().nullable(),
  written: z.array(z.string()).optional(),
});

const GuestSnapshot = z.strictObject({
  userid: z.string(),
  service: z.boolean(),
  loggedOn: z.boolean(),
  locked: z.boolean(),
  userPrefix: z.string().nullable(),
  nicdefs: z.array(NicdefSnapshot),
  statements: z.array(z.string()).default([]),
  profile: z.string().nullable().default(null),
  devices: z.array(z.strictObject({ vdev: z.string(), count: z.number(), kind: z.string() })).default([]),
  online: z.array(NicdefSnapshot).nullable().default(null),
  nics: z.array(
    z.strictObject({
      vdev: z.string(),
      type: adapter,
      devices: z.number(),
      mac: z.string(),
      vswitch: z.string().nullable(),
      vlans: z.array(z.number()),
      port: z.number().nullable(),
    }),
  ),
});

/** All that a management node and its z/VM systems are at one moment, as JSON. */
export const Snapshot = z.strictObject({
  version: z.literal(1),
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
      profiles: z.array(z.strictObject({ name: z.string(), statements: z.array(z.string()) })).default([]),
      guests: z.array(GuestSnapshot),
    }),
  ),
});
export type Snapshot = z.infer<typeof Snapshot>;

/** Takes a snapshot; what changes later does not reach it. */
export function takeSnapshot(mn: ManagementNode): Snapshot {
  const snapshot: Snapshot = {
    version: 1,
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
      profiles: [...system.profiles.values()],
      guests: [...system.guests.values()].map(({ updating: _updating, ...guest }) => guest),
    })),
  };
  return structuredClone(snapshot);
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
  // The commands of service machines hold on to their guests: these are changed, not replaced.
  const guests = from.guests.map((guest) =>
    Object.assign(system.guests.get(guest.userid) ?? makeGuest(guest.userid), { ...guest, updating: false }),
  );
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
