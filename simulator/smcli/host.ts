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
    required: '',
    scope: 'definition',
    // The later program names a target itself (smcliImage.c).
    check: ({ kind, target }) =>
      kind === 'zhcp' && target === '' ? { stdout: 'ERROR: Missing required options\n' } : null,
    run: (call) => [...call.system.guests.keys()].map((userid) => `${userid}\n`).join(''),
  },
  SSI_Query: {
    options: '',
    required: '',
    only: 'zthin',
    scope: 'any',
    run: ({ system: { members } }) => (members.length === 0 ? [4, 3008] : `ssi_name = ZVMSSI\nssi_mode = Stable\n`),
  },
  // The next four are known by their reader alone, Feilong's smtLayer (getHost.py, getVM.py and their tests). Any word does as -T.
  System_Information_Query: {
    options: 'Tk',
    required: '',
    scope: 'any',
    run: () => 'STORAGE=STORAGE=8G CONFIGURED=8G INC=256M STANDBY=0M RESERVED=0M\n',
  },
  System_Performance_Information_Query: {
    options: 'Tk',
    required: '',
    scope: 'any',
    run: () => 'MEMORY_IN_USE=524288\n',
  },
  System_Processor_Query: {
    options: 'T',
    required: '',
    scope: 'any',
    run: () =>
      'Partition mode: Z/VM\n\nADDRESS STATUS TYPE CORE_ID\n0000 MASTER-PROCESSOR IFL 0000\n0002 ALTERNATE IFL 0001\n',
  },
  // The systems have no FCP devices.
  System_WWPN_Query: { options: 'Tk', required: '', scope: 'any', run: () => '\n' },
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
