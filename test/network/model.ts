import type { GuestState, LiveNic, Nicdef } from '../../network/guest.ts';
import { type MacPrefix, macFromId } from '../../network/mac.ts';
import { parseMacColumn } from '../../network/mac-record.ts';
import type { Step } from '../../network/steps.ts';
import type { Vswitch } from '../../network/vswitch.ts';

export type World = { guest: GuestState; vswitches: Vswitch[] };

/** What a step does to a guest, as z/VM and xCAT would; throws where they would refuse. */
export function apply(world: World, step: Step, prefix: MacPrefix): World {
  const { guest } = world;
  const withGuest = (change: Partial<GuestState>): World => ({ ...world, guest: { ...guest, ...change } });
  switch (step.kind) {
    case 'ensureRecord': {
      const { portId, vdev, vswitch, network, adminStateUp, mac } = step.port;
      const others = guest.recorded.filter((row) => row.portId !== portId);
      return withGuest({ recorded: [...others, { portId, vdev, vswitch, network, adminStateUp, mac, rows: 1 }] });
    }
    case 'ensureMacRecord':
      return withGuest({ macEntries: parseMacColumn(step.entries.join('|'), guest.node, '') });
    case 'removeRecord':
      return withGuest({ recorded: guest.recorded.filter((row) => row.portId !== step.portId) });
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
        macId: step.macId,
        ...(step.vswitch === undefined ? {} : { vswitch: step.vswitch }),
      };
      return withGuest({ directory: [...guest.directory, nic] });
    }
    case 'ensureLiveNic':
      if (!guest.loggedOn) throw new Error('200/12: not active');
      if (guest.live.some((nic) => nic.vdev === step.vdev)) throw new Error('204/4: already exists');
      return withGuest({ live: [...guest.live, { vdev: step.vdev, mac: macFromId(prefix, step.macId) }] });
    case 'ensureCoupled': {
      const authorised = find(world, step.vswitch).authorisations.some((entry) => entry.userid === guest.userid);
      if (!authorised) throw new Error('212/8: not authorised');
      const nic = guest.live.find((candidate) => candidate.vdev === step.vdev);
      if (nic === undefined) throw new Error('204/8: no such NIC');
      if (nic.vswitch !== undefined) throw new Error('204/20: connected already');
      return withGuest({ live: editNic(guest.live, step.vdev, (old) => ({ ...old, vswitch: step.vswitch })) });
    }
  }
}

/** What the guest can reach, live or at its next logon: pairs of VSWITCH and VLAN set, once authorised. */
export function access(world: World): Set<string> {
  const nics = [...world.guest.live, ...world.guest.directory];
  return new Set(
    nics.flatMap((nic) => {
      if (nic.vswitch === undefined) return [];
      const entry = find(world, nic.vswitch).authorisations.find(
        (candidate) => candidate.userid === world.guest.userid,
      );
      return entry === undefined ? [] : [`${nic.vdev} ${nic.vswitch} ${entry.vlans.join()}`];
    }),
  );
}

function find(world: World, name: string): Vswitch {
  const vswitch = world.vswitches.find((candidate) => candidate.name === name);
  if (vswitch === undefined) throw new Error(`212/40: ${name} does not exist`);
  return vswitch;
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
