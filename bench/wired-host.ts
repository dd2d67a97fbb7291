import { PortId, Userid } from '../domain/text/identifiers.ts';
import type { Simulator } from '../simulator/simulator.ts';

const VSWITCHES = ['VSW1', 'VSW2'];
const VDEVS = ['1000', '1003'];
const VLAN = 1001;

/** The number of guests for so many ports: two ports each, since userids of the simulator have four digits. */
export function guestsFor(ports: number): number {
  return Math.ceil(ports / VSWITCHES.length);
}

/** Fill a simulated host as if so many ports had been wired: rows, directory, grants, coupled NICs of running guests. */
export function fillHost(simulator: Simulator, ports: number): void {
  const { mn } = simulator;
  const [system] = mn.systems;
  if (system === undefined) throw new Error('the simulator has no z/VM system');
  const switchRows: Record<string, string>[] = [];
  const macRows: Record<string, string>[] = [];
  for (let number = 1; number <= guestsFor(ports); number += 1) {
    const userid = Userid.parse(`LNX1${String(number).padStart(4, '0')}`);
    const node = userid.toLowerCase();
    const guest = system.guest(userid);
    if (guest === undefined) throw new Error(`the simulator has no guest ${userid}`);
    const entries = VSWITCHES.map((name, index) => {
      const macid = (number * VSWITCHES.length + index).toString(16).padStart(6, '0').toUpperCase();
      const vdev = VDEVS[index] ?? '';
      const port = PortId.parse(`00000000-0000-4000-8000-${String(number * 10 + index).padStart(12, '0')}`);
      switchRows.push({ node, switch: name, port, vlan: String(VLAN), interface: vdev, comments: system.zhcpNode });
      const vswitch = system.vswitch(name);
      if (vswitch !== undefined)
        system.grant(vswitch, userid, { vlans: [VLAN], portType: 'ACCESS', promiscuous: false, persist: false });
      const lan = { owner: 'SYSTEM', name };
      const nicdef = { vdev, type: 'QDIO' as const, devices: 3, lan, chpid: null, macid, portNumber: null };
      system.addNicdef(guest, nicdef, false);
      return `02:00:00:${(macid.match(/../g) ?? []).join(':').toLowerCase()}!${node}-${vdev}`;
    });
    macRows.push({ node, mac: entries.join('|'), comments: system.zhcpNode });
    guest.loggedOn = false;
    guest.nics = [];
    system.logon(guest);
  }
  mn.tables.replace('switch', switchRows);
  mn.tables.replace('mac', macRows);
}
