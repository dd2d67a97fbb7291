/** What differs between a host and the same a little later: keys of NICs, userids, and `vswitch` with a name. */
export function differences(before, after) {
  const nics = new Map(before.guests.flatMap((guest) => guest.nics.map((nic) => [nic.key, JSON.stringify(nic)])));
  const stateOf = ({ uplinks, status }) => JSON.stringify([uplinks, status]);
  const states = new Map(before.vswitches.map((vswitch) => [vswitch.name, stateOf(vswitch)]));
  const userids = new Set(before.guests.map(({ userid }) => userid));
  return [
    ...after.guests.filter(({ userid }) => !userids.has(userid)).map(({ userid }) => userid),
    ...after.guests.flatMap((guest) =>
      guest.nics.filter((nic) => nics.get(nic.key) !== JSON.stringify(nic)).flatMap((nic) => [nic.key, guest.userid]),
    ),
    ...after.vswitches
      .filter((vswitch) => states.get(vswitch.name) !== stateOf(vswitch))
      .map(({ name }) => `vswitch ${name}`),
  ];
}
