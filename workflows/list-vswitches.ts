import type { z } from 'zod';
import type { ListVswitchesInput } from '../domain/operations/requests.ts';
import type { Vswitch } from '../domain/vswitch/vswitch.ts';
import { displayActivities, unwrapped } from './activity-proxies.ts';
import { accepting, checked } from './operation.ts';
import { addSearchAttributes } from './run-visibility.ts';

/** All VSWITCHes that z/VM has defined: uplinks and their state, authorisations with VLANs, connected NICs. */
export async function listVswitches(input: z.input<typeof ListVswitchesInput>): Promise<{ vswitches: Vswitch[] }> {
  const { host } = await checked(() => accepting().acceptListVswitches({ input }));
  addSearchAttributes({ host });
  return { vswitches: await unwrapped(displayActivities(`read the VSWITCHes of ${host}`).readVswitches({ host })) };
}
