import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';
import type { ApiPort } from '../openstack/neutron-api.ts';
import { canInstall, installedPython } from '../openstack/python-environment.ts';
import { feilongPython } from './environment.ts';

const FILES = join(import.meta.dirname, 'nova');
const NOVA = { name: 'Nova', requirements: join(FILES, 'requirements.txt') };
const run = promisify(execFile);

/** True where Nova is installed already, or can be: Python 3 with venv. */
export function canRunNova(): boolean {
  return canInstall(NOVA);
}

export type Spawn = {
  feilongUrl: string;
  neutronUrl: string;
  userid: string;
  /** One port of Neutron for each NIC. */
  ports: readonly ApiPort[];
  /** Nova's vif_plugging_timeout, in seconds. */
  timeoutSeconds: number;
  say(line: string): void;
};

const Outcome = z.object({ outcome: z.enum(['started', 'not plugged']) });

/**
 * Have the z/VM driver of Nova's released package give a guest its NICs through Feilong, wait for Neutron, and start it, as in a spawn. The guest is
 * there, logged off. Throws an Error with what Nova logs when the driver fails in another way.
 */
export async function spawnByNova(spawn: Spawn): Promise<z.infer<typeof Outcome>['outcome']> {
  const [python, feilong] = [await installedPython(NOVA, spawn.say), await feilongPython(spawn.say)];
  const packages = await run(feilong, ['-c', 'import zvmconnector; print(zvmconnector.__path__[0])']);
  const env = {
    ...process.env,
    ZVMCONNECTOR: dirname(packages.stdout.trim()),
    SPAWN: JSON.stringify({
      ...{ feilong: spawn.feilongUrl, neutron: spawn.neutronUrl, timeout: spawn.timeoutSeconds },
      ...{ userid: spawn.userid, uuid: randomUUID(), network_info: spawn.ports.map(vifOf) },
    }),
  };
  const { stdout } = await run(python, [join(FILES, 'spawn.py')], { env, timeout: LONGEST_SPAWN_MS });
  return Outcome.parse(JSON.parse(stdout.trim().split('\n').at(-1) ?? '')).outcome;
}

const LONGEST_SPAWN_MS = 300_000;

/** A port in the form of Nova's network information, as far as the driver reads it. */
function vifOf({ id, mac_address }: ApiPort, index: number) {
  const address = `10.64.0.${10 + index}`;
  const subnet = { cidr: '10.64.0.0/16', gateway: { address: '10.64.0.1' }, ips: [{ address }] };
  return { id, address: mac_address, active: false, network: { subnets: [subnet] } };
}
