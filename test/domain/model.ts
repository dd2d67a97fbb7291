import { parseMacColumn } from '../../backend/xcat/rows/port-rows.ts';
import { changeOf } from '../../backend/xcat/rows/record-steps.ts';
import type { GuestState, LiveNic, Nicdef } from '../../domain/guest/guest.ts';
import type { RecordStep, Step } from '../../domain/planning/steps.ts';
import { type MacPrefix, macFromId } from '../../domain/port/mac.ts';
import { authorisedVlans, type Vswitch } from '../../domain/vswitch/vswitch.ts';

/** `portOf` has the port number that a live NIC was coupled with, by vdev: z/VM does not show it per NIC. */
export type World = { guest: GuestState; vswitches: Vswitch[]; portOf: Record<string, number> };

/** Carry out a step on a guest, as z/VM and xCAT would; throws where they would refuse. */
export function apply(world: World, step: Step, prefix: MacPrefix): World {
  const { guest } = world;
  const withGuest = (change: Partial<GuestState>): World => ({ ...world, guest: { ...guest, ...change } });
  switch (step.kind) {
    case 'record':
      return withGuest(recordedAfter(step, guest));
    case 'ensureDirectoryOnline':
      return world;
    case 'ensureUncoupled':
      return withGuest({ live: editNic(guest.live, step.vdev, ({ vswitch: _from, mac: _mac, ...nic }) => nic) });
    case 'removeLiveNic':
      return withGuest({ live: without(guest.live, step.vdev) });
    case 'removeDirectoryNic':
      return withGuest({ directory: without(guest.directory, step.vdev) });
    case 'removeAuthorisation':
      return authorise(world, step.vswitch, undefined);
    case 'ensureAuthorisation':
      if (find(world, step.vswitch).authorisations.some((entry) => entry.userid === guest.userid)) {
        throw new Error('granted to who is granted already: that drops live NICs');
      }
      return authorise(world, step.vswitch, step.vlans);
    case 'ensureDirectoryNic': {
      if (guest.directory.some((nic) => nic.vdev === step.vdev)) throw new Error('404/4: already defined');
      const nic: Nicdef = {
        vdev: step.vdev,
        ...(step.macId === undefined ? {} : { macId: step.macId }),
        ...(step.vswitch === undefined ? {} : { vswitch: step.vswitch }),
        ...(step.portNumber === undefined ? {} : { portNumber: step.portNumber }),
      };
      return withGuest({ directory: [...guest.directory, nic] });
    }
    case 'ensureLiveNic':
      if (!guest.loggedOn) throw new Error('200/12: not active');
      if (guest.live.some((nic) => nic.vdev === step.vdev)) throw new Error('204/4: already exists');
      // Without a MACID, CP gives the NIC an address.
      return withGuest({ live: [...guest.live, { vdev: step.vdev, mac: macFromId(prefix, step.macId ?? 'C0FFEE') }] });
    case 'ensureCoupled': {
      if (entryFor(world, step.vswitch, step.portNumber) === undefined) throw new Error('212/8: not authorised');
      const nic = guest.live.find((candidate) => candidate.vdev === step.vdev);
      if (nic === undefined) throw new Error('204/8: no such NIC');
      if (nic.vswitch !== undefined) throw new Error('204/20: connected already');
      const coupled = withGuest({ live: editNic(guest.live, step.vdev, (old) => ({ ...old, vswitch: step.vswitch })) });
      return step.portNumber === undefined
        ? coupled
        : { ...coupled, portOf: { ...world.portOf, [step.vdev]: step.portNumber } };
    }
    case 'ensurePortNumber':
      if (find(world, step.vswitch).authorisations.some((entry) => entry.portNumber === step.portNumber))
        throw new Error('the port number is taken');
      return number(world, step, step.vlans);
    case 'ensurePortVlans': {
      const entry = entryFor(world, step.vswitch, step.portNumber);
      if (entry === undefined) throw new Error('no such port number');
      const kept = authorisedVlans(find(world, step.vswitch), entry).filter((vlan) => !step.remove.includes(vlan));
      return number(world, step, [...kept, ...step.add]);
    }
    case 'removePortNumber':
      if (entryFor(world, step.vswitch, step.portNumber) === undefined) throw new Error('no such port number');
      return number(world, step, undefined);
  }
}

/** The part of a guest that a step on the record changes. */
function recordedAfter(step: RecordStep, guest: GuestState): Partial<GuestState> {
  const { xcat: rows } = guest;
  if (rows === undefined) throw new Error('the guest has no rows');
  const { operation, data } = changeOf(step);
  switch (operation) {
    case 'port': {
      const { nodes: _nodes, rows: _rows, ...port } = data;
      const others = guest.recorded.filter((row) => row.portId !== port.portId);
      return { recorded: [...others, port] };
    }
    case 'macs':
      if (data.row !== rows.macRow) throw new Error('UNIQUE: the row is there, or is not');
      return {
        xcat: {
          ...rows,
          macEntries: parseMacColumn(data.entries.join('|'), guest.names[0], ''),
          macRow: data.entries.length > 0,
        },
      };
    case 'addresses':
      if (data.row !== (rows.hostsRow !== 'none')) throw new Error('UNIQUE: the row is there, or is not');
      return {
        addresses: data.entries,
        xcat: { ...rows, hostsRow: data.entries.length === 0 ? 'none' : 'ours' },
      };
    case 'names':
      return {};
    case 'remove':
      return { recorded: guest.recorded.filter((row) => row.portId !== data.portId) };
  }
}

/** The networks that a guest can reach, live or at its next logon: NIC, VSWITCH and VLAN, once authorised. */
export function access(world: World): Set<string> {
  const nics = [...world.guest.live, ...world.guest.directory];
  return new Set(
    nics.flatMap((nic) => {
      if (nic.vswitch === undefined) return [];
      const portNumber = 'macId' in nic ? nic.portNumber : world.portOf[nic.vdev];
      const entry = entryFor(world, nic.vswitch, portNumber);
      return entry?.vlans.map((vlan) => `${nic.vdev} ${nic.vswitch} ${vlan}`) ?? [];
    }),
  );
}

function find(world: World, name: string): Vswitch {
  const vswitch = world.vswitches.find((candidate) => candidate.name === name);
  if (vswitch === undefined) throw new Error(`212/40: ${name} does not exist`);
  return vswitch;
}

/** The authorisation that a NIC is coupled under: by port number on a port-based VSWITCH, else by userid. */
function entryFor(world: World, name: string, portNumber: number | undefined) {
  const vswitch = find(world, name);
  return vswitch.authorisations.find(
    (entry) =>
      entry.userid === world.guest.userid && (vswitch.portSelection === 'USERBASED' || entry.portNumber === portNumber),
  );
}

function number(
  world: World,
  { vswitch: name, portNumber }: { vswitch: string; portNumber: number },
  vlans: readonly number[] | undefined,
): World {
  const { userid } = world.guest;
  const vswitches = world.vswitches.map((vswitch) => {
    if (vswitch.name !== name) return vswitch;
    const others = vswitch.authorisations.filter((entry) => entry.portNumber !== portNumber);
    const reported = vlans?.length === 0 ? [vswitch.defaultVlan ?? 0] : vlans;
    const authorisations = reported === undefined ? others : [...others, { userid, vlans: reported, portNumber }];
    return { ...vswitch, authorisations };
  });
  return { ...world, vswitches };
}

function authorise(world: World, name: string, vlans: readonly number[] | undefined): World {
  const { userid } = world.guest;
  const vswitches = world.vswitches.map((vswitch) => {
    if (vswitch.name !== name) return vswitch;
    const others = vswitch.authorisations.filter((entry) => entry.userid !== userid);
    const reported = vlans?.length === 0 ? [vswitch.defaultVlan ?? 0] : vlans;
    return { ...vswitch, authorisations: reported === undefined ? others : [...others, { userid, vlans: reported }] };
  });
  return { ...world, vswitches };
}

function without<Nic extends { vdev: string }>(nics: readonly Nic[], vdev: string): Nic[] {
  return nics.filter((nic) => nic.vdev !== vdev);
}

function editNic(nics: readonly LiveNic[], vdev: string, edit: (nic: LiveNic) => LiveNic): LiveNic[] {
  return nics.map((nic) => (nic.vdev === vdev ? edit(nic) : nic));
}
