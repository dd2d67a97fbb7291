import { foreignNics } from '../drift/foreign-nics.ts';
import type { DesiredPort } from '../guest/desired.ts';
import { vlansOf } from '../port/port.ts';
import type { VswitchPort } from '../port/port-number.ts';
import { sameVlans } from '../vswitch/vlan-set.ts';
import { type Authorisation, authorisedVlans, neededVlans, type Vswitch } from '../vswitch/vswitch.ts';
import type { PlanningContext } from './planning-context.ts';

/**
 * Port numbers of the guest that no NICDEF names, and whose VLANs the directory gives a port there: an interrupted move to the directory has
 * left them. CP may list NICs that the directory authorises as ports too. So none is taken for left of a running guest, unless z/VM is known to
 * hide those (docs/reference/zvm.md 8).
 */
export function leftoverNumbers(
  ports: readonly DesiredPort[],
  { guest, vswitches, capabilities }: Pick<PlanningContext, 'guest' | 'vswitches' | 'capabilities'>,
): VswitchPort[] {
  if (guest.loggedOn && capabilities?.behaviour?.dnaPorts !== 'hidden') return [];
  const named = new Set(guest.directory.map(({ portNumber }) => portNumber));
  const used = new Set(foreignNics(guest, ports).map(({ vswitch }) => vswitch));
  return vswitches
    .filter(
      ({ name, portSelection, unclear }) => portSelection === 'PORTBASED' && unclear === undefined && !used.has(name),
    )
    .flatMap((vswitch) =>
      vswitch.authorisations.flatMap((entry) => {
        const { userid, portNumber } = entry;
        if (userid !== guest.userid || portNumber === undefined || named.has(portNumber)) return [];
        return isGivenTo(ports, vswitch, entry) ? [{ vswitch: vswitch.name, portNumber }] : [];
      }),
    );
}

/** True where the directory gives one of the ports the VLANs of an authorisation. */
export function isGivenTo(ports: readonly DesiredPort[], vswitch: Vswitch, entry: Authorisation): boolean {
  if (entry.unclear !== undefined) return false;
  return ports.some(
    ({ vswitch: name, network, authorization }) =>
      name === vswitch.name &&
      authorization !== undefined &&
      sameVlans(authorisedVlans(vswitch, entry), neededVlans(vswitch, vlansOf(network))),
  );
}
