import type { PortState } from './model.ts';
import type { PortPlace } from './places.ts';
import { grantsOf, macIdOf, type SimulatedGuest, type SimulatorState, type System } from './simulator.ts';

/** The differences of record and z/VM from the nearest possible state of a port. Empty when one state fits. */
export function differencesOf(
  place: PortPlace,
  states: readonly PortState[],
  simulator: SimulatorState,
  zhcp: string,
): string[] {
  const [nearest = []] = states
    .map((state) => differences(place, state, simulator, zhcp))
    .toSorted((one, other) => one.length - other.length);
  return nearest;
}

function differences(place: PortPlace, state: PortState, simulator: SimulatorState, zhcp: string): string[] {
  const system = simulator.systems[zhcp];
  const guest = system?.guests[place.userid];
  if (system === undefined || guest === undefined) return [`there is no guest ${place.userid}`];
  const rows = simulator.tables.switch.filter((row) => row.port === place.portId);
  const macId = macIdOf(place.mac);
  const isOwn = (vdev: string, mac: string | null) => (place.vdev === undefined ? mac === macId : vdev === place.vdev);
  const nicdef = guest.directory.find((each) => isOwn(each.vdev, each.macid));
  const nic = guest.nics.find((each) => isOwn(each.vdev, macIdOf(each.mac)));
  const grants = grantsOf(system, place.vswitch, place.userid).map((vlans) => vlans.join('+'));
  const [row] = rows;
  const found = [
    ...unlike('rows', rows.length, state === null ? 0 : 1),
    ...unlike('NICDEF', nicdef === undefined ? 'none' : 'there', state === null ? 'none' : 'there'),
    ...unlike(
      'NIC of the running guest',
      nic === undefined ? 'none' : 'there',
      state?.live === true ? 'there' : 'none',
    ),
    ...unlike('grants', grants.join(' and ') || 'none', state === null ? 'none' : String(state.vlan)),
  ];
  if (state === null) return found;
  const coupled = state.up ? place.vswitch : 'nothing';
  if (row !== undefined)
    found.push(
      ...unlike('VSWITCH of the row', row.switch, place.vswitch),
      ...unlike('VLAN of the row', row.vlan, String(state.vlan)),
      ...unlike('guest of the row', row.node, place.userid.toLowerCase()),
      ...unlike('device of the row', row.interface, nicdef?.vdev ?? row.interface),
      ...unlike('row', isDisabled(row) ? 'down' : 'up', state.up ? 'up' : 'down'),
    );
  if (nicdef !== undefined) found.push(...unlike('VSWITCH of the NICDEF', nicdef.vswitch ?? 'nothing', coupled));
  if (nic === undefined || !state.live) return found;
  found.push(...unlike('device of the NIC', nic.vdev, nicdef?.vdev ?? nic.vdev));
  found.push(...unlike('the NIC is coupled to', nic.vswitch ?? 'nothing', coupled));
  if (nic.vswitch !== null && state.up)
    found.push(...unlike('VLAN of the NIC', nic.vlans.join('+'), String(state.vlan)));
  return found;
}

function unlike(of: string, is: unknown, wanted: unknown): string[] {
  return is === wanted ? [] : [`${of}: ${is}, not ${wanted}`];
}

/** The administrative state, from xCAT's own column for rows that are out of use. */
function isDisabled(row: Record<string, string | null>): boolean {
  return ['1', 'yes'].includes((row.disable ?? '').toLowerCase());
}

/**
 * Rows, NICs, MACs and grants that are duplicate or belong to no row of the `switch` table, judged from record and z/VM alone.
 */
export function doublesOf(userids: readonly string[], simulator: SimulatorState, zhcp: string): string[] {
  const system = simulator.systems[zhcp];
  if (system === undefined) return [`there is no system behind ${zhcp}`];
  const guests = userids.flatMap((userid) => {
    const guest = system.guests[userid];
    return guest === undefined ? [] : [{ userid, guest }];
  });
  return [
    ...twice(
      'port',
      simulator.tables.switch.map((row) => row.port ?? ''),
    ),
    ...twice(
      'device',
      simulator.tables.switch.map((row) => `${row.interface} of ${row.node}`),
    ),
    ...twice(
      'row of the mac table',
      simulator.tables.mac.map((row) => row.node ?? ''),
    ),
    ...twice(
      'MACID',
      guests.flatMap(({ guest }) => guest.directory.flatMap(({ macid }) => macid ?? [])),
    ),
    ...twice(
      'MAC',
      guests.flatMap(({ guest }) => guest.nics.map(({ mac }) => mac)),
    ),
    ...guests.flatMap(({ userid, guest }) => withoutRow(userid, guest, system, simulator)),
  ];
}

function withoutRow(userid: string, guest: SimulatedGuest, system: System, { tables }: SimulatorState): string[] {
  const node = userid.toLowerCase();
  const rows = tables.switch.filter((row) => row.node === node);
  const vdevs = new Set(rows.map((row) => row.interface));
  const grants = Object.keys(system.vswitches).flatMap((vswitch) => {
    const granted = grantsOf(system, vswitch, userid).length;
    const wanted = rows.filter((row) => row.switch === vswitch).length;
    // On a user-based VSWITCH one grant serves all ports of the guest.
    const most = system.vswitches[vswitch]?.portBased === true ? wanted : Math.min(1, wanted);
    return granted > most ? [`${granted} grants of ${userid} on ${vswitch} for ${wanted} ports`] : [];
  });
  const without = (what: string, vdev: string) => (vdevs.has(vdev) ? [] : [`${what} ${vdev} of ${userid} has no row`]);
  const entries = tables.mac.filter((row) => row.node === node).flatMap((row) => (row.mac ?? '').split('|'));
  const named = entries.flatMap((entry) => entry.split('!')[1] ?? []);
  return [
    ...twice(
      'device',
      guest.directory.map(({ vdev }) => `NICDEF ${vdev} of ${userid}`),
    ),
    ...twice('MAC entry', named),
    ...guest.directory.flatMap(({ vdev }) => without('NICDEF', vdev)),
    ...guest.nics.flatMap(({ vdev }) => without('NIC', vdev)),
    ...named.flatMap((name) => without('MAC entry', name.slice(node.length + 1))),
    ...grants,
  ];
}

function twice(of: string, values: readonly string[]): string[] {
  const counts = Map.groupBy(values, (value) => value);
  return [...counts]
    .filter(([, alike]) => alike.length > 1)
    .map(([value, alike]) => `${of} ${value}: ${alike.length} times`);
}
