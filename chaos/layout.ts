/** The simulated z/VM system that a run has: one host with one zHCP. */
export const HOST = 'zvm1';
export const ZHCP_NODE = 'zhcp1';
export const TASK_QUEUE = `zvm-${HOST}`;

/** A port that the load works on. It stays on its guest and its VSWITCH, and keeps its MAC from life to life. */
export type PortPlace = { portId: string; userid: string; vswitch: string; mac: string };
export type GuestPlace = { userid: string; ports: PortPlace[] };

/**
 * One port of a guest to a VSWITCH: no two ports of a guest share a VLAN set, so that whether a request can be granted depends on its own
 * port alone, and an authorisation of a guest on a VSWITCH says the VLAN of one port.
 */
const VSWITCHES = ['VSW1', 'VSW2', 'VSWPORT'] as const;
/** VLANs belong to port numbers there. */
export const PORT_BASED = 'VSWPORT';
/** Flat; the load leaves it alone, so that a probe finds it free. */
export const PROBE_VSWITCH = 'VSWFLAT';

/** Guests with their ports, as many as are wanted: 2 or 3 ports each. */
export function layOut(guests: number): GuestPlace[] {
  return Array.from({ length: guests }, (_, index) => {
    const number = index + 1;
    const userid = `LNX1${String(number).padStart(4, '0')}`;
    // The first VSWITCH is another one for each guest, so that all three are used also where each guest has two ports.
    const own = VSWITCHES.map((_vswitch, place) => VSWITCHES[(place + index) % VSWITCHES.length] ?? VSWITCHES[0]);
    const ports = own.slice(0, 2 + (index % 2)).map((vswitch, place) => placeOf(userid, number, place + 1, vswitch));
    return { userid, ports };
  });
}

/** A port of its own on each guest, by which is tried at the end whether the guest can be changed. */
export function probeOf({ userid }: GuestPlace): PortPlace {
  return placeOf(userid, Number(userid.slice(4)), 9, PROBE_VSWITCH);
}

function placeOf(userid: string, guest: number, port: number, vswitch: string): PortPlace {
  const number = String(guest * 10 + port).padStart(12, '0');
  const suffix = (guest * 16 + port).toString(16).padStart(4, '0');
  return {
    portId: `00000000-0000-4000-8000-${number}`,
    userid,
    vswitch,
    mac: `02:00:00:c4:${suffix.slice(0, 2)}:${suffix.slice(2)}`,
  };
}
