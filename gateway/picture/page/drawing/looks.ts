import type { Address } from '../address.ts';
import type { DrawnGuest, Nic } from '../host.ts';

/** Keys of what has just changed; each change has the next number. */
export type Flash = { keys: ReadonlySet<string>; number: number };
/** How things are drawn, beside where they are: the chosen one, what is picked out, what has just changed. */
export type Look = {
  chosen: Address;
  current: string | undefined;
  flashed: ReadonlySet<string>;
  flashKey: number;
  dimKey: string;
  dimmed: {
    nic: (nic: Nic) => boolean;
    guest: (guest: DrawnGuest) => boolean;
    vswitch: (name: string) => boolean;
    bundle: (vswitch: string, vlan: number | undefined) => boolean;
  };
};

export function looksOf(looked: Address, flash: Flash, current: string | undefined): Look {
  const { vlan, vswitch } = looked;
  const onVlan = (nic: Nic) => (vlan === 'flat' ? nic.kind === 'flat' : nic.vlans.includes(Number(vlan)));
  const onVswitch = (nic: Nic) => nic.vswitch === vswitch || nic.coupledTo === vswitch;
  const apart = (nic: Nic) => (vlan !== '' && !onVlan(nic)) || (vswitch !== '' && !onVswitch(nic));
  return {
    chosen: looked,
    current,
    flashed: flash.keys,
    flashKey: flash.number,
    dimKey: `${vlan} ${vswitch}`,
    dimmed: {
      nic: apart,
      guest: ({ nics }) => (vlan !== '' || vswitch !== '') && nics.every(apart),
      vswitch: (name) => vswitch !== '' && name !== vswitch,
      bundle: (name, id) => (vswitch !== '' && name !== vswitch) || (vlan !== '' && vlan !== String(id ?? 'flat')),
    },
  };
}
