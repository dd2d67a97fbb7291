import { pino } from 'pino';
import { embeddedHosts, feilongHost } from '../../../demo/embedded-hosts.ts';
import { canRunFeilong } from '../../../demo/feilong/environment.ts';
import { type Feilong, startFeilong } from '../../../demo/feilong/server.ts';
import { backendOf, type RenewableBackend } from '../../../runtime/host/host-backend.ts';
import { type Simulator, type SimulatorOptions, startSimulator } from '../../../simulator/simulator.ts';
import type { ZvmSystem } from '../../../simulator/zvm/system.ts';

/** A real Feilong server on a simulated z/VM whose guests are logged off, and the backend over it. */
export type FeilongWorld = {
  simulator: Simulator;
  system: ZvmSystem;
  feilong: Feilong;
  backend: RenewableBackend;
  /** Have the simulator answer calls of a SMAPI function with these codes. */
  refuse(smapiFunction: string, rc: number, rs: number, times: number): Promise<() => Promise<void>>;
  /** The backend of another worker, closed with the world. */
  anotherBackend(): RenewableBackend;
  close(): Promise<void>;
};

export const feilongIsHere = canRunFeilong();
if (!feilongIsHere) process.stderr.write('SKIPPED: no Feilong server here, and no Python 3 with venv to install it\n');

/** Start one. */
export async function openFeilongWorld(options: SimulatorOptions = {}): Promise<FeilongWorld> {
  const simulator = await startSimulator({ hosts: 1, guests: 3, release: '6.3', ...options });
  const [configuration] = embeddedHosts(simulator.url, 1);
  const [system] = simulator.mn.systems;
  if (configuration === undefined || system === undefined) throw new Error('no embedded host');
  for (const guest of system.guests.values()) if (!guest.service) system.logoff(guest);
  const feilong = await startFeilong({ simulatorUrl: simulator.url, zhcpNode: 'zhcp1', say: () => {} });
  const open = () => backendOf(feilongHost(configuration, feilong), pino({ level: 'silent' }));
  const backends = [open()];
  const [backend = open()] = backends;
  const faults = new URL('/simulator/faults', simulator.url);
  return {
    simulator,
    system,
    feilong,
    backend,
    async refuse(smapiFunction, rc, rs, times) {
      const body = JSON.stringify({ action: { kind: 'smapi', function: smapiFunction, rc, rs }, times });
      const headers = { 'content-type': 'application/json' };
      const answer = await fetch(faults, { method: 'POST', body, headers });
      if (!answer.ok) throw new Error(await answer.text());
      return async () => void (await fetch(faults, { method: 'DELETE' }));
    },
    anotherBackend() {
      const another = open();
      backends.push(another);
      return another;
    },
    async close() {
      await Promise.all(backends.map((each) => each.close()));
      await feilong.stop();
      await simulator.close();
    },
  };
}
