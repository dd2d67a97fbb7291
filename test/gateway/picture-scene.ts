import type { Simulator } from '../../simulator/simulator.ts';
import { type Environment, portId, vlan } from '../workflows/environment.ts';
import { startRun } from '../workflows/start.ts';

export type Stage = Pick<Environment, 'client' | 'simulator' | 'host'>;

const FLAT = { type: 'flat' } as const;
const trunk = (...segmentationIds: number[]) => ({ type: 'trunk', segmentationIds }) as const;

/**
 * Ten guests with all that a NIC can be: on a VLAN, flat, a trunk, down, not coupled, without its authorisation, recorded nowhere. Uplinks that
 * work, wait and have failed.
 */
export async function wireSmallHost({ client, simulator, host }: Stage): Promise<void> {
  const system = systemOf(simulator);
  changeUplinks(simulator);
  const wire = async (userid: string, ports: object[]) =>
    (await startRun(client, 'attachNic', { host, userid, ports } as never, userid)).result();
  await Promise.all([
    wire('LNX10001', [
      { portId: portId(1), vswitch: 'VSW1', network: vlan(100) },
      { portId: portId(2), vswitch: 'VSWFLAT', network: FLAT },
    ]),
    wire('LNX10002', [
      { portId: portId(3), vswitch: 'VSW1', network: vlan(100) },
      { portId: portId(4), vswitch: 'VSW2', network: vlan(200) },
    ]),
    wire('LNX10003', [
      { portId: portId(5), vswitch: 'VSW1', network: vlan(101) },
      { portId: portId(6), vswitch: 'VSWPORT', network: trunk(300, 301, 302) },
    ]),
    wire('LNX10005', [
      { portId: portId(7), vswitch: 'VSW1', network: vlan(100) },
      { portId: portId(8), vswitch: 'VSWPORT', network: vlan(300) },
      { portId: portId(9), vswitch: 'VSWFLAT', network: FLAT, adminStateUp: false },
    ]),
    wire('LNX10007', [{ portId: portId(10), vswitch: 'VSW2', network: vlan(201) }]),
    wire('LNX10009', [{ portId: portId(11), vswitch: 'VSW1', network: vlan(102) }]),
  ]);
  const vswitch = system.vswitch('VSW2');
  if (vswitch !== undefined) system.revoke(vswitch, 'LNX10007');
  addForeignNic(simulator, 'LNX10009');
}

/**
 * As many guests as asked for, with two ports each: on twelve VLANs of VSW1 and VSW2, and on VSWPORT, some of them trunks, or flat. Most are
 * logged on, and each 83rd has lost its authorisation. Put in place directly: wiring so many takes a minute.
 */
export function setUpLargeHost(simulator: Simulator, guests: number): void {
  changeUplinks(simulator);
  for (let number = 1; number <= guests; number += 1) setUpGuest(simulator, number);
}

type Wanted = { vswitch: string; vlans: number[] };

function setUpGuest(simulator: Simulator, number: number): void {
  const system = systemOf(simulator);
  const userid = useridOf(number);
  const guest = system.guest(userid);
  if (guest === undefined) throw new Error(`no guest ${userid}`);
  system.logoff(guest);
  const wanted = wantedOf(number);
  const node = userid.toLowerCase();
  for (const [index, { vswitch, vlans }] of wanted.entries()) {
    const vdev = vdevOf(index);
    const [first, last] = [vlans[0] ?? -1, vlans.at(-1)];
    const vlan = vlans.length > 1 ? `${first}-${last}` : String(first);
    const row = { node, port: portId(number * 10 + index), switch: vswitch, vlan, interface: vdev };
    simulator.mn.tables.put('switch', { ...row, comments: system.zhcpNode });
    const portNumber = vswitch === 'VSWPORT' ? number : null;
    authorise(simulator, userid, { vswitch, vlans }, portNumber);
    const lan = { owner: 'SYSTEM' as const, name: vswitch };
    const nicdef = {
      vdev,
      type: 'QDIO' as const,
      devices: null,
      lan,
      chpid: null,
      macid: macid(number, index),
      portNumber,
    };
    system.addNicdef(guest, nicdef, false);
  }
  const macs = wanted.map(
    (_, index) => `02:00:00:${macid(number, index).match(/../g)?.join(':')}!${node}-${vdevOf(index)}`,
  );
  simulator.mn.tables.put('mac', { node, mac: macs.join('|').toLowerCase(), comments: system.zhcpNode });
  if (number % 7 !== 0) system.logon(guest);
  const [first] = wanted;
  const vswitch = system.vswitch(first?.vswitch ?? '');
  if (number % 83 === 0 && vswitch !== undefined) system.revoke(vswitch, userid);
}

function wantedOf(number: number): Wanted[] {
  const first = { vswitch: number % 3 === 0 ? 'VSW2' : 'VSW1', vlans: [100 + (number % 12)] };
  const onPort = { vswitch: 'VSWPORT', vlans: number % 10 === 0 ? [200, 201, 202] : [200 + (number % 5)] };
  return [first, number % 2 === 0 ? onPort : { vswitch: 'VSWFLAT', vlans: [] }];
}

function authorise(simulator: Simulator, userid: string, { vswitch, vlans }: Wanted, portNumber: number | null): void {
  const system = systemOf(simulator);
  const found = system.vswitch(vswitch);
  if (found === undefined) throw new Error(`no VSWITCH ${vswitch}`);
  const portType = vlans.length > 1 ? ('TRUNK' as const) : ('ACCESS' as const);
  const authorisation = { vlans, portType, promiscuous: false, persist: true };
  if (portNumber === null) system.grant(found, userid, authorisation);
  else system.assignPort(found, portNumber, { userid, ...authorisation });
}

const vdevOf = (index: number) => (0x1000 + 3 * index).toString(16);
const macid = (number: number, index: number) => (number * 16 + index).toString(16).padStart(6, '0').toUpperCase();

export function useridOf(number: number): string {
  return `LNX1${String(number).padStart(4, '0')}`;
}

export function systemOf(simulator: Simulator) {
  const [system] = simulator.mn.systems;
  if (system === undefined) throw new Error('the simulator has no z/VM system');
  return system;
}

/** VSW1 has an uplink that waits, VSW2 one that has failed. */
function changeUplinks(simulator: Simulator): void {
  const system = systemOf(simulator);
  system.vswitch('VSW1')?.rdevs.push('6272');
  const vswitch = system.vswitch('VSW2');
  vswitch?.rdevs.push('6275');
  if (vswitch !== undefined) system.setUplink(vswitch, '6269', false);
}

/** A NIC and its grant without a record. */
function addForeignNic(simulator: Simulator, userid: string): void {
  const system = systemOf(simulator);
  const vswitch = system.vswitch('VSWFLAT');
  const guest = system.guest(userid);
  if (vswitch === undefined || guest === undefined) throw new Error('no VSWITCH or guest');
  system.grant(vswitch, userid, { vlans: [], portType: 'ACCESS', promiscuous: false, persist: true });
  const nicdef = { vdev: '0600', type: 'QDIO' as const, devices: 3, chpid: null, macid: '00AA00', portNumber: null };
  system.addNicdef(guest, { ...nicdef, lan: { owner: 'SYSTEM', name: vswitch.name } }, false);
  system.logoff(guest);
  system.logon(guest);
}
