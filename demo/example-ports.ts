import { GuestPortRequest } from '../client/port-file.ts';
import type { HostConfiguration } from '../configuration/load.ts';
import { guestName } from '../simulator/zvm/guest-name.ts';

/** The ports that `npm start` wires. */
export const STARTER = { hosts: 2, guestsPerHost: 4, ports: 16 } as const;

/** A number of requests for the embedded hosts: each guest gets a flat port first, then VLAN ports on the other VSWITCHes. */
export function examplePortRequests(
  count: number,
  hosts: readonly HostConfiguration[],
  guestsPerHost: number,
): GuestPortRequest[] {
  const requests: GuestPortRequest[] = [];
  for (let round = 0; requests.length < count; round += 1) {
    for (let guest = 1; guest <= guestsPerHost && requests.length < count; guest += 1) {
      for (const [index, host] of hosts.entries()) {
        if (requests.length >= count) break;
        requests.push(example(host.host, index + 1, guest, round));
      }
    }
  }
  return requests;
}

function example(host: string, hostNumber: number, guest: number, round: number): GuestPortRequest {
  const flat = round === 0;
  const number = (hostNumber * 10_000 + guest) * 1_000 + round;
  return GuestPortRequest.parse({
    host,
    userid: guestName(hostNumber, guest),
    portId: `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`,
    vswitch: flat ? 'VSWFLAT' : round % 2 === 1 ? 'VSW1' : 'VSW2',
    network: flat ? { type: 'flat' } : { type: 'vlan', segmentationId: 1_000 + guest },
  });
}
