import { parseMacColumn } from '../../backend/xcat/rows/port-rows.ts';
import { changeOf } from '../../backend/xcat/rows/record-steps.ts';
import type { GuestState, LiveNic, Nicdef } from '../../domain/guest/guest.ts';
import { namesAccess } from '../../domain/guest/nicdef-authorization.ts';
import type { RecordStep, Step } from '../../domain/planning/steps.ts';
import { type MacPrefix, macFromId } from '../../domain/port/mac.ts';
import { authorisedVlans, type Vswitch } from '../../domain/vswitch/vswitch.ts';

/** A z/VM with directory network authorization, whatever is known of it. */
export type Authorizing = {
  nicdefAlone: 'authorises' | 'refused';
  vlanWinner: 'nicdef' | 'grant';
  coupleReadsDirectory: boolean;
  /** It says the VLANs of a live NIC. */
  tells: boolean;
  /** The VLANs that live NICs were coupled with, by vdev. */
  coupledAs: Record<string, readonly number[]>;
  /** The directory as it was when the guest was logged on. */
  atLogon: readonly Nicdef[];
};

/**
 * `portOf` has the port number that a live NIC was coupled with, by vdev: z/VM does not show it per NIC. `zvm` is absent without directory
 * network authorization.
 */
export type World = { guest: GuestState; vswitches: Vswitch[]; portOf: Record<string, number>; zvm?: Authorizing };

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
      return withGuest({
        live: editNic(guest.live, step.vdev, ({ vswitch: _from, mac: _mac, vlans: _vlans, ...nic }) => nic),
      });
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
        ...(step.authorization === undefined ? {} : { authorization: step.authorization }),
      };
      if (step.authorization !== undefined && world.zvm === undefined) throw new Error('24: no such operand');
      if (namesAccess(nic.authorization) && !find(world, nic.vswitch ?? '').vlanAware) throw new Error('396/2846');
      return withGuest({ directory: [...guest.directory, nic] });
    }
    case 'ensureLiveNic':
      if (!guest.loggedOn) throw new Error('200/12: not active');
      if (guest.live.some((nic) => nic.vdev === step.vdev)) throw new Error('204/4: already exists');
      // Without a MACID, CP gives the NIC an address.
      return withGuest({ live: [...guest.live, { vdev: step.vdev, mac: macFromId(prefix, step.macId ?? 'C0FFEE') }] });
    case 'ensureCoupled': {
      const vlans = vlansAtCouple(world, step);
      if (vlans === undefined) throw new Error('212/8: not authorised');
      const nic = guest.live.find((candidate) => candidate.vdev === step.vdev);
      if (nic === undefined) throw new Error('204/8: no such NIC');
      if (nic.vswitch !== undefined) throw new Error('204/20: connected already');
      const told = world.zvm?.tells === true ? { vlans } : {};
      const live = editNic(guest.live, step.vdev, (old) => ({ ...old, vswitch: step.vswitch, ...told }));
      const coupled = coupledWith(withGuest({ live }), step.vdev, vlans);
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
  if (world.zvm !== undefined) return directoryAccess(world, world.zvm);
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

/** The VLANs that a NICDEF, or else an authorisation, gives at a place; undefined when neither does. */
export function vlansBy(world: World, vswitch: Vswitch, nicdef: Nicdef | undefined, portNumber: number | undefined) {
  const granted = entryFor(world, vswitch.name, portNumber)?.vlans;
  const { zvm } = world;
  const heard = nicdef?.vswitch === vswitch.name ? nicdef : undefined;
  const authorises = namesAccess(heard?.authorization) || zvm?.nicdefAlone === 'authorises';
  if (zvm === undefined || heard === undefined || !authorises) return granted;
  const inherited = granted ?? [vswitch.defaultVlan ?? 0];
  const named = heard.authorization?.vlans;
  return named === undefined || (zvm.vlanWinner === 'grant' && granted !== undefined) ? inherited : named;
}

function vlansAtCouple(
  world: World,
  { vdev, vswitch: name, portNumber }: { vdev: string; vswitch: string; portNumber?: number },
) {
  const directory = world.zvm?.coupleReadsDirectory === false ? world.zvm.atLogon : world.guest.directory;
  return vlansBy(
    world,
    find(world, name),
    directory.find((nic) => nic.vdev === vdev),
    portNumber,
  );
}

function coupledWith(world: World, vdev: string, vlans: readonly number[]): World {
  const { zvm } = world;
  return zvm === undefined ? world : { ...world, zvm: { ...zvm, coupledAs: { ...zvm.coupledAs, [vdev]: vlans } } };
}

function directoryAccess(world: World, { coupledAs }: Authorizing): Set<string> {
  const live = world.guest.live.flatMap(({ vdev, vswitch }) =>
    vswitch === undefined ? [] : (coupledAs[vdev] ?? []).map((vlan) => `${vdev} ${vswitch} ${vlan}`),
  );
  const later = world.guest.directory.flatMap((nic) => {
    if (nic.vswitch === undefined) return [];
    const vlans = vlansBy(world, find(world, nic.vswitch), nic, nic.portNumber) ?? [];
    return vlans.map((vlan) => `${nic.vdev} ${nic.vswitch} ${vlan}`);
  });
  return new Set([...live, ...later]);
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
  const vdev = Object.keys(world.portOf).find((each) => world.portOf[each] === portNumber);
  const isCoupled = world.guest.live.some((nic) => nic.vdev === vdev && nic.vswitch === name);
  const now = { ...world, vswitches };
  if (vdev === undefined || !isCoupled || vlans === undefined) return now;
  const reported = vlans.length === 0 ? [find(world, name).defaultVlan ?? 0] : vlans;
  const told = world.zvm?.tells === true ? { vlans: reported } : {};
  const live = editNic(world.guest.live, vdev, (nic) => ({ ...nic, ...told }));
  return coupledWith({ ...now, guest: { ...world.guest, live } }, vdev, reported);
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
