import { pino } from 'pino';
import { expect } from 'vitest';
import { embeddedHosts } from '../../../demo/embedded-hosts.ts';
import { backendOf } from '../../../runtime/host/host-backend.ts';
import { startSimulator } from '../../../simulator/simulator.ts';
import { type BackendWorld, backendContract } from '../contract.ts';

const CALLS = {
  couple: 'Virtual_Network_Adapter_Connect_Vswitch',
  'define in the directory': 'Image_Definition_Update_DM',
};

const can = {
  portBased: true,
  vlanSets: true,
  addresses: true,
  deferredDirectory: true,
  changeUplinks: true,
  managementNetwork: true,
  liveMac: true,
  nicOperands: true,
};

backendContract('xcat', can, async (): Promise<BackendWorld> => {
  const simulator = await startSimulator({ hosts: 1, guests: 3, release: '6.3' });
  const [configuration] = embeddedHosts(simulator.url, 1);
  const [system] = simulator.mn.systems;
  if (configuration === undefined || system === undefined) throw new Error('no embedded host');
  for (const guest of system.guests.values()) if (!guest.service) system.logoff(guest);
  const backend = backendOf(configuration, pino({ level: 'silent' }));
  let isOpen = true;
  const cutOff = async () => {
    if (isOpen) await simulator.close();
    isOpen = false;
  };
  return {
    backend,
    system,
    refuse: async (call, rc, rs) => {
      const action = { kind: 'smapi', function: CALLS[call], rc, rs };
      const body = JSON.stringify({ action, times: 1 });
      const headers = { 'content-type': 'application/json' };
      const url = new URL('/simulator/faults', simulator.url);
      expect((await fetch(url, { method: 'POST', body, headers })).ok).toBe(true);
      return async () => void (await fetch(url, { method: 'DELETE' }));
    },
    cutOff,
    close: async () => {
      await backend.close();
      await cutOff();
    },
  };
});
