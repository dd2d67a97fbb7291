/** The simulated z/VM system of a run: one host with one zHCP. */
export const HOST = 'zvm1';
export const ZHCP_NODE = 'zhcp1';
export const TASK_QUEUE = `zvm-${HOST}`;

/**
 * A port of the load. It keeps its guest, VSWITCH and MAC when it is deleted and created again; one with a device number has that in place of
 * the MAC, which CP gives it.
 */
export type PortPlace = { portId: string; userid: string; vswitch: string; mac: string; vdev?: string };
export type GuestPlace = { userid: string; ports: PortPlace[] };

/**
 * Each port of a guest has its own VSWITCH: no two ports share a VLAN set, so a verdict depends on one port alone, and a grant shows the VLAN of one
 * port.
 */
const VSWITCHES = ['VSW1', 'VSW2', 'VSWPORT'] as const;

/** The backend of a run. Feilong knows no port-based VSWITCHes, and gives NICs of running guests no MAC. */
export const BACKENDS = ['xcat', 'feilong'] as const;
export type Backend = (typeof BACKENDS)[number];
/** A VSWITCH whose VLANs belong to port numbers. */
export const PORT_BASED = 'VSWPORT';
/** A flat VSWITCH that the load does not use, so that it is free for probes. */
export const PROBE_VSWITCH = 'VSWFLAT';

/** So many guests with 2 or 3 ports each. */
export function layOut(guests: number, backend: Backend = 'xcat'): GuestPlace[] {
  const isByDevice = backend === 'feilong';
  const usable = isByDevice ? VSWITCHES.filter((name) => name !== PORT_BASED) : VSWITCHES;
  return Array.from({ length: guests }, (_, index) => {
    const number = index + 1;
    const userid = `LNX1${String(number).padStart(4, '0')}`;
    // The first VSWITCH changes from guest to guest, so that guests with two ports use all three.
    const own = usable.map((_vswitch, place) => usable[(place + index) % usable.length] ?? VSWITCHES[0]);
    const ports = own
      .slice(0, 2 + (index % 2))
      .map((vswitch, place) => placeOf(userid, number, place + 1, vswitch, isByDevice));
    return { userid, ports };
  });
}

/** A separate port of each guest, which tests at the end whether the guest can be changed. */
export function probeOf({ userid, ports }: GuestPlace): PortPlace {
  const isByDevice = ports.some(({ vdev }) => vdev !== undefined);
  return placeOf(userid, Number(userid.slice(4)), 9, PROBE_VSWITCH, isByDevice);
}

/** The part of a port's request by which its NIC is known: its device number, or its MAC. */
export function addressOf({ vdev, mac }: PortPlace): { vdev: string } | { mac: string } {
  return vdev === undefined ? { mac } : { vdev };
}

const FIRST_VDEV = 0x1000;

function placeOf(userid: string, guest: number, port: number, vswitch: string, isByDevice: boolean): PortPlace {
  const number = String(guest * 10 + port).padStart(12, '0');
  const suffix = (guest * 16 + port).toString(16).padStart(4, '0');
  return {
    portId: `00000000-0000-4000-8000-${number}`,
    userid,
    vswitch,
    mac: `02:00:00:c4:${suffix.slice(0, 2)}:${suffix.slice(2)}`,
    ...(isByDevice ? { vdev: (FIRST_VDEV + 3 * port).toString(16) } : {}),
  };
}
