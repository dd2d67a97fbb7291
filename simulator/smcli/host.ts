import { levelOf, type Release } from '../zvm/release.ts';
import type { ZvmSystem } from '../zvm/system.ts';
import type { SmcliFunction } from './function.ts';

/** Functions on the system as a whole. */
export const HOST_FUNCTIONS: Record<string, SmcliFunction> = {
  System_Info_Query: { options: '', required: '', scope: 'any', run: (call) => describeSystem(call.system) },
  Query_API_Functional_Level: {
    options: 'T',
    required: 'T',
    scope: 'any',
    run: (call) => `The API functional level is z/VM ${FUNCTIONAL_LEVEL[call.system.release]}\n`,
  },
  Image_Name_Query_DM: {
    options: 'T',
    required: 'T',
    scope: 'definition',
    run: (call) => [...call.system.guests.keys()].map((userid) => `${userid}\n`).join(''),
  },
};

/** smcli knows no level above 720: 7.3 and later look like 7.2 (smcliQuery.c). */
const FUNCTIONAL_LEVEL: Record<Release, string> = {
  '6.3': 'V6.3',
  '6.4': 'V6.4',
  '7.1': 'V7.1',
  '7.3': 'V7.2',
  '7.4': 'V7.2',
  '7.5': 'V7.2',
};

function describeSystem(system: ZvmSystem): string {
  const lines = [
    'The z/VM timezone: UTC',
    `The z/VM time: ${shortTime(new Date())}`,
    `The z/VM version: ${levelOf(system.release)}`,
    'The z/VM CP Gen time: 2014-01-01 10:00:00 UTC',
    `The z/VM CP IPL time: ${shortTime(system.iplTime)} UTC`,
    'The z/VM real storage size: 8G',
  ];
  return `${lines.join('\n')}\n`;
}

/** Time of day as the z/VM and Linux commands here print it. */
function shortTime(time: Date): string {
  return time.toISOString().slice(0, 19).replace('T', ' ');
}
