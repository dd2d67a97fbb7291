/** How things are drawn beside where they are: what is chosen, what is picked out, what has just changed. */
export function looksOf(looked, flash, current) {
  const { vlan, vswitch } = looked;
  const onVlan = (nic) => (vlan === 'flat' ? nic.kind === 'flat' : nic.vlans.includes(Number(vlan)));
  const onVswitch = (nic) => nic.vswitch === vswitch || nic.coupledTo === vswitch;
  const apart = (nic) => (vlan !== '' && !onVlan(nic)) || (vswitch !== '' && !onVswitch(nic));
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
