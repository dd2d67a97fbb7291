import { startOperation, startWirePorts } from '../../client/start-operation.ts';
import type { Simulator } from '../../simulator/simulator.ts';
import { portId, vlan } from '../workflows/environment.ts';

/** A simulated z/VM system with its worker. */
export type Stage = Parameters<typeof startOperation>[0] extends infer Client
  ? { client: Client; simulator: Simulator; host: string }
  : never;

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
    (await startOperation(client, 'attachNic', { host, userid, ports } as never, userid)).result();
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

/** As many guests as asked for, on twelve VLANs of VSW1 and VSW2, every second one with a port on VSWPORT besides, some of them drifted. */
export async function wireLargeHost({ client, simulator, host }: Stage, guests: number): Promise<void> {
  changeUplinks(simulator);
  const ports = Array.from({ length: guests }, (_, index) => {
    const number = index + 1;
    const userid = useridOf(number);
    const first = { vswitch: number % 3 === 0 ? 'VSW2' : 'VSW1', network: vlan(100 + (number % 12)) };
    const second = { vswitch: 'VSWPORT', network: number % 10 === 0 ? trunk(200, 201, 202) : vlan(200 + (number % 5)) };
    const third = { vswitch: 'VSWFLAT', network: FLAT };
    const wanted = [first, ...(number % 2 === 0 ? [second] : []), ...(number % 4 === 1 ? [third] : [])];
    return wanted.map((port, which) => ({ userid, portId: portId(number * 10 + which), ...port }));
  }).flat();
  for (let at = 0; at < ports.length; at += BATCH) {
    const batch = { host, ports: ports.slice(at, at + BATCH), live: true };
    const run = await startWirePorts(client, batch as never, `picture-${at}`);
    const { refused, failed } = await run.result();
    if (refused + failed > 0) throw new Error(`${refused} ports were refused, ${failed} failed`);
  }
  const system = systemOf(simulator);
  const vswitch = system.vswitch('VSW1');
  if (vswitch === undefined) return;
  for (let number = 1; number <= guests; number += 83) system.revoke(vswitch, useridOf(number));
}

const BATCH = 500;

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

/** A NIC and its grant that nobody recorded. */
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
