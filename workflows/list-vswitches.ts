import type { z } from 'zod';
import type { ListVswitchesInput } from '../domain/operations/requests.ts';
import type { Vswitch } from '../domain/vswitch/vswitch.ts';
import { accepting, checked } from './operation.ts';
import { answerOf, reading } from './reading.ts';
import { setSearchAttributes } from './search-attributes.ts';

/** All VSWITCHes that z/VM has defined: uplinks and their state, authorisations with VLANs, connected NICs. */
export async function listVswitches(input: z.input<typeof ListVswitchesInput>): Promise<{ vswitches: Vswitch[] }> {
  const { host } = await checked(() => accepting().acceptListVswitches({ input }));
  setSearchAttributes({ host });
  return { vswitches: await answerOf(reading(`read the VSWITCHes of ${host}`).readVswitches({ host })) };
}
