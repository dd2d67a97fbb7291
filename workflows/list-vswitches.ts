import { proxyLocalActivities } from '@temporalio/workflow';
import type { z } from 'zod';
import type { ListVswitchesInput } from '../network/requests.ts';
import type { Vswitch } from '../network/vswitch.ts';
import { findable } from './findable.ts';
import type { HostActivities } from './host-activities.ts';
import { accepting, checked } from './operation.ts';

/** All VSWITCHes that z/VM has defined: uplinks and their state, authorisations with VLANs, connected NICs. */
export async function listVswitches(input: z.input<typeof ListVswitchesInput>): Promise<{ vswitches: Vswitch[] }> {
  const { host } = await checked(() => accepting().acceptListVswitches({ input }));
  findable({ host });
  const { readVswitches } = proxyLocalActivities<HostActivities>({
    summary: `read the VSWITCHes of ${host}`,
    startToCloseTimeout: '30 minutes',
    scheduleToCloseTimeout: '10 minutes',
  });
  return { vswitches: await readVswitches({ host }) };
}
