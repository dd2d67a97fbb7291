import type { ShownGuest } from '../domain/host/host-view.ts';
import type { InputOfReading } from '../domain/operations/operations.ts';
import type { Vswitch } from '../domain/vswitch/vswitch.ts';
import { displayActivities, unwrapped } from './activity-proxies.ts';
import type { ShownHost } from './host-activities.ts';
import { acceptReading } from './operation.ts';
import { addSearchAttributes } from './run-visibility.ts';

/** Read the present state of a z/VM system: VSWITCHes, guests and ports, record beside z/VM. Changes nothing. */
export async function showHost(input: InputOfReading<'showHost'>): Promise<ShownHost> {
  const { host } = await acceptReading('showHost', input);
  addSearchAttributes({ host });
  return unwrapped(displayActivities(`read ${host}`).showHost({ host }));
}

/** Read the present state of a guest: record, directory entry, live NICs, authorisations, and the repair that reconciliation would make. Changes nothing. */
export async function showGuest(input: InputOfReading<'showGuest'>): Promise<ShownGuest> {
  const { host, userid } = await acceptReading('showGuest', input);
  addSearchAttributes({ host, userid });
  return unwrapped(displayActivities(`read ${userid}`).showGuest({ host, userid }));
}

/** Show all VSWITCHes that z/VM has defined: uplinks and their state, authorisations with VLANs, connected NICs. Changes nothing. */
export async function listVswitches(input: InputOfReading<'listVswitches'>): Promise<{ vswitches: Vswitch[] }> {
  const { host } = await acceptReading('listVswitches', input);
  addSearchAttributes({ host });
  return { vswitches: await unwrapped(displayActivities(`read the VSWITCHes of ${host}`).readVswitches({ host })) };
}

/** Do nothing. The run's history names the running worker of the host by its identity. */
export async function probeWorker(): Promise<void> {}
