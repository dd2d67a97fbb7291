import { z } from 'zod';
import { defined } from '../defined.ts';
import { MOST_PORTS_OF_GUEST, PortRequest } from '../operations/requests.ts';
import { HostName, type PortId, Userid, VswitchName } from '../text/identifiers.ts';
import type { GuestView, HostView, PortView } from './host-view.ts';

const DesiredGuest = z.strictObject({
  userid: Userid,
  ports: z
    .array(PortRequest)
    .max(MOST_PORTS_OF_GUEST, `must name at most ${MOST_PORTS_OF_GUEST} ports`)
    .meta({ description: "The guest's ports" }),
});
export type DesiredGuest = z.infer<typeof DesiredGuest>;

/** A host as a file says it should be, in the words of the operations' inputs. */
export const DesiredHost = z.strictObject({
  host: HostName,
  vswitches: z
    .array(z.strictObject({ vswitch: VswitchName }))
    .default([])
    .meta({ description: 'VSWITCHes that exist, each as the configuration of the host has it' }),
  guests: z.array(DesiredGuest).default([]),
});
export type DesiredHost = z.infer<typeof DesiredHost>;

/** A recorded port that no file can say, and the reason. */
export type UnsaidPort = { userid: Userid; portId: PortId; reason: string };

/** A host as it is, as a file says it, in an order of its own: VSWITCHes by name, guests by userid, ports by vdev. */
export function desiredHostOf({ host, vswitches, guests }: HostView): { desired: DesiredHost; unsaid: UnsaidPort[] } {
  const said = guests.map((guest) => ({ userid: guest.userid, ports: saidPorts(guest) }));
  const desired = {
    host,
    vswitches: vswitches
      .flatMap(({ name, physicalNetwork }) => (physicalNetwork === null ? [] : [{ vswitch: name }]))
      .toSorted((one, other) => order(one.vswitch, other.vswitch)),
    guests: said.filter(({ ports }) => ports.length > 0).toSorted((one, other) => order(one.userid, other.userid)),
  };
  return { desired, unsaid: guests.flatMap(unsaidPorts) };
}

function saidPorts({ ports }: GuestView): PortRequest[] {
  return ports
    .flatMap((port) => requestOf(port) ?? [])
    .toSorted((one, other) => order(one.vdev ?? '', other.vdev ?? '') || order(one.portId, other.portId));
}

function unsaidPorts({ userid, ports }: GuestView): UnsaidPort[] {
  return ports.flatMap((port) => {
    const reason = whyUnsaid(port);
    return reason === undefined ? [] : [{ userid, portId: port.portId, reason }];
  });
}

/** The reason why no file can say a port: what it should be cannot be read, or has not been decided yet. */
export function whyUnsaid({ unreadable = [], network, vswitch }: PortView): string | undefined {
  const [first] = unreadable;
  if (first !== undefined)
    return `its ${first.field} is recorded as ${JSON.stringify(first.value)}, which is unreadable`;
  if (network.type === 'unreadable') return 'its network is unreadable';
  return vswitch === undefined ? 'it is not wired yet' : undefined;
}

/** The request that a recorded port would be made by; undefined of one that no request says. */
function requestOf(port: PortView): PortRequest | undefined {
  const { portId, vswitch, network, mac, vdev, adminStateUp } = port;
  if (whyUnsaid(port) !== undefined || vswitch === undefined || network.type === 'unreadable') return undefined;
  return { portId, vswitch, network, ...defined({ mac, vdev }), adminStateUp };
}

/** Guests and ports that are said twice: nobody can tell which is meant. */
export function repeatedIn({ guests }: Pick<DesiredHost, 'guests'>): { field: string; reason: string }[] {
  const places = new Map<string, string>();
  const see = (key: string, field: string, what: string) => {
    const before = places.get(key);
    if (before === undefined) places.set(key, field);
    return before === undefined ? [] : [{ field, reason: `${what} is a duplicate of the one in ${before}` }];
  };
  return guests.flatMap(({ userid, ports }, index) => [
    ...see(userid, `guests.${index}`, userid),
    ...ports.flatMap(({ portId }, at) => see(portId, `guests.${index}.ports.${at}`, `port ${portId}`)),
  ]);
}

function order(one: string, other: string): number {
  return one === other ? 0 : one < other ? -1 : 1;
}
