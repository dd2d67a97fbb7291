import { z } from 'zod';
import type { GuestPortRequest } from '../client/port-file.ts';
import { Mac, macId } from '../domain/port/mac.ts';
import { vlansOf } from '../domain/port/port.ts';

/** The part of the simulator's state that shows ports. */
export const SimulatorState = z.object({
  tables: z.record(z.string(), z.array(z.record(z.string(), z.string().nullable()))),
  systems: z.record(
    z.string(),
    z.object({
      vswitches: z.record(
        z.string(),
        z.object({ authorisations: z.record(z.string(), z.object({ vlans: z.array(z.number()) })) }),
      ),
      guests: z.record(
        z.string(),
        z.object({
          loggedOn: z.boolean(),
          directory: z.array(
            z.object({
              vdev: z.string(),
              vswitch: z.string().nullish(),
              macid: z.string().nullish(),
              portNumber: z.number().nullish(),
              vlans: z.array(z.number()).nullish(),
            }),
          ),
          nics: z.array(
            z.object({
              vdev: z.string(),
              mac: z.string(),
              vswitch: z.string().nullish(),
              vlans: z.array(z.number()).optional(),
            }),
          ),
        }),
      ),
    }),
  ),
});
export type SimulatorState = z.infer<typeof SimulatorState>;
type SimulatedGuest = SimulatorState['systems'][string]['guests'][string];

/**
 * The differences of z/VM's and xCAT's state from a wired port's request, as sentences; empty when there are none. Ports `atRest` need no live NIC.
 */
export function mismatchesOf(
  request: GuestPortRequest,
  zhcpNode: string,
  state: SimulatorState,
  atRest = false,
): string[] {
  const found: string[] = [];
  const of = `port ${request.portId} of ${request.userid}`;
  const system = state.systems[zhcpNode];
  const guest = system?.guests[request.userid];
  const row = state.tables.switch?.find((candidate) => candidate.port === request.portId);
  if (guest === undefined || row === undefined)
    return [`${of}: ${guest === undefined ? 'the guest does not exist' : 'not recorded in the switch table'}`];
  const vdev = row.interface ?? '';
  const vlan = vlansOf(request.network).join('+') || '-1';
  if (row.switch !== request.vswitch || row.vlan !== vlan)
    found.push(`${of}: recorded as ${row.switch} VLAN ${row.vlan}`);
  const nicdef = guest.directory.find((nic) => nic.vdev === vdev);
  const granted = system?.vswitches[request.vswitch]?.authorisations[request.userid]?.vlans;
  const given = nicdef?.vlans ?? granted;
  if (given === undefined && request.adminStateUp) found.push(`${of}: not authorised on ${request.vswitch}`);
  else if (given !== undefined && vlan !== '-1' && given.join('+') !== vlan)
    found.push(`${of}: authorised with VLAN ${given.join()}, not ${vlan}`);
  const wanted = request.adminStateUp ? request.vswitch : undefined;
  if (nicdef === undefined || (nicdef.vswitch ?? undefined) !== wanted)
    found.push(`${of}: NICDEF ${vdev} is on ${nicdef?.vswitch ?? 'nothing'}`);
  if (request.mac !== undefined && nicdef?.macid !== macId(request.mac))
    found.push(`${of}: NICDEF ${vdev} has MACID ${nicdef?.macid}`);
  return atRest ? found : [...found, ...liveMismatches(request, guest, vdev, of)];
}

function liveMismatches(request: GuestPortRequest, guest: SimulatedGuest, vdev: string, of: string): string[] {
  const found: string[] = [];
  const wanted = request.adminStateUp ? request.vswitch : undefined;
  const nic = guest.nics.find((candidate) => candidate.vdev === vdev);
  if (guest.loggedOn && (nic?.vswitch ?? undefined) !== wanted)
    found.push(`${of}: NIC ${vdev} is coupled to ${nic?.vswitch ?? 'nothing'}`);
  const vlans = vlansOf(request.network).join();
  if (nic?.vswitch != null && vlans !== '' && nic.vlans !== undefined && nic.vlans.join() !== vlans)
    found.push(`${of}: NIC ${vdev} is on VLAN ${nic.vlans.join()}, not ${vlans}`);
  const mac = Mac.safeParse(nic?.mac ?? '').data;
  if (request.mac !== undefined && guest.loggedOn && mac !== request.mac)
    found.push(`${of}: NIC ${vdev} has MAC ${nic?.mac}`);
  return found;
}
