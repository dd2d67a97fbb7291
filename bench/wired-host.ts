import { PortId, Userid } from '../domain/text/identifiers.ts';
import type { Simulator } from '../simulator/simulator.ts';
import type { Guest } from '../simulator/zvm/guest.ts';
import { guestName } from '../simulator/zvm/guest-name.ts';
import type { ZvmSystem } from '../simulator/zvm/system.ts';
import type { Vswitch } from '../simulator/zvm/vswitch.ts';

const VSWITCHES = ['VSW1', 'VSW2'];
const FIRST_VDEV = 0x1000;
const DEVICES = 3;
const VLAN = 1001;
// Userids of the simulator have four digits.
const MOST_GUESTS = 9_999;

/** A simulated host whose guests are wired and running. */
export type WiredHost = {
  userids: Userid[];
  /** The guests that have each of their NICs coupled. */
  coupled(): number;
  /** Throws an Error when a guest lacks its right, or one of its NICs is not coupled. */
  check(): void;
  /** Take its grant on its first VSWITCH from one guest in a hundred. */
  drift(): void;
  /** Start z/VM again; its guests log on, and grants are gone. */
  reIpl(): void;
};

/** The number of guests for so many ports: two ports each, and more where there are no userids for them. */
export function guestsFor(ports: number): number {
  return Math.min(MOST_GUESTS, Math.ceil(ports / VSWITCHES.length));
}

/**
 * Fill a simulated host as if so many ports had been wired: rows, directory, coupled NICs of running guests, and grants where the directory does not
 * authorise.
 */
export function fillHost({ mn }: Simulator, ports: number): WiredHost {
  const [system] = mn.systems;
  if (system === undefined) throw new Error('the simulator has no z/VM system');
  const vswitches = VSWITCHES.map((name) => found(system.vswitch(name), name));
  const guests = Array.from({ length: guestsFor(ports) }, (_, index) => {
    const name = guestName(1, index + 1);
    return found(system.guest(name), name);
  });
  const wired = guests.map((guest, index) => {
    const numbers = Array.from(
      { length: portsOf(ports, guests.length, index) },
      (_, nic) => nic * guests.length + index,
    );
    return wire(system, guest, vswitches, numbers);
  });
  mn.tables.replace(
    'switch',
    wired.flatMap(({ switchRows }) => switchRows),
  );
  mn.tables.replace(
    'mac',
    wired.map(({ macRow }) => macRow),
  );
  const isCoupled = (guest: Guest) =>
    guest.nics.length === guest.nicdefs.length && guest.nics.every((nic) => nic.vswitch !== null);
  return {
    userids: guests.map(({ userid }) => Userid.parse(userid)),
    coupled: () => guests.filter(isCoupled).length,
    check() {
      const isRight = (guest: Guest) =>
        isCoupled(guest) && (authorisesByDirectory(system) || isGranted(guest, vswitches));
      const wrong = guests.filter((guest) => !isRight(guest));
      if (wrong.length > 0) throw new Error(`${wrong.length} guests are not in order, as ${wrong[0]?.userid}`);
    },
    drift() {
      const [first] = vswitches;
      for (const [index, { userid }] of guests.entries())
        if (first !== undefined && index % 100 === 0) system.revoke(first, userid);
    },
    reIpl: () => system.reIpl(true),
  };
}

function authorisesByDirectory({ behaviour }: ZvmSystem): boolean {
  return behaviour.dna === 'enabled';
}

function isGranted({ userid, nicdefs }: Guest, vswitches: readonly Vswitch[]): boolean {
  return nicdefs.every(({ lan }) => vswitches.find(({ name }) => name === lan?.name)?.authorisations.has(userid));
}

/** The ports of one guest, when the first guests get what does not divide. */
function portsOf(ports: number, guests: number, index: number): number {
  return Math.floor(ports / guests) + (index < ports % guests ? 1 : 0);
}

/** Give a guest NICs on the VSWITCHES in turn, and log it on; `numbers` count the ports of the host. */
function wire(system: ZvmSystem, guest: Guest, vswitches: readonly Vswitch[], numbers: readonly number[]) {
  const { userid } = guest;
  const node = userid.toLowerCase();
  const comments = system.zhcpNode;
  const nics = numbers.map((number, nic) => ({
    vswitch: found(vswitches[nic % vswitches.length], 'VSWITCH'),
    vdev: (FIRST_VDEV + DEVICES * nic).toString(16).toUpperCase(),
    macid: (number + 1).toString(16).padStart(6, '0').toUpperCase(),
    port: PortId.parse(`00000000-0000-4000-8000-${String(number + 1).padStart(12, '0')}`),
  }));
  const byDirectory = authorisesByDirectory(system);
  for (const { vswitch, vdev, macid } of nics) {
    if (!byDirectory && !vswitch.authorisations.has(userid))
      system.grant(vswitch, userid, { vlans: [VLAN], portType: 'ACCESS', promiscuous: false, persist: false });
    const lan = { owner: 'SYSTEM', name: vswitch.name };
    const nicdef = { vdev, type: 'QDIO', devices: DEVICES, lan, chpid: null, macid, portNumber: null };
    system.addNicdef(guest, byDirectory ? { ...nicdef, vlans: [VLAN], portType: 'ACCESS' } : nicdef, false);
  }
  guest.loggedOn = false;
  guest.nics = [];
  system.logon(guest);
  const macs = nics.map(
    ({ vdev, macid }) => `02:00:00:${(macid.match(/../g) ?? []).join(':').toLowerCase()}!${node}-${vdev}`,
  );
  return {
    switchRows: nics.map(({ vswitch, vdev, port }): Record<string, string> => {
      return { node, switch: vswitch.name, port, vlan: String(VLAN), interface: vdev, comments };
    }),
    macRow: { node, mac: macs.join('|'), comments },
  };
}

function found<Thing>(thing: Thing | undefined, name: string): Thing {
  if (thing === undefined) throw new Error(`the simulator has no ${name}`);
  return thing;
}
