import type { Profile } from '../directory/devices.ts';
import type { Nicdef } from '../directory/nicdef.ts';
import { formatNicdef } from '../directory/nicdef.ts';
import { parseNicdefOperand } from '../directory/nicdef-operand.ts';
import { padded, records } from '../directory/records.ts';
import type { Code } from '../zvm/codes.ts';
import { OK } from '../zvm/codes.ts';
import type { Guest } from '../zvm/guest.ts';
import type { SmcliCall, SmcliFunction } from './function.ts';
import { checkEntry, recordsGiven } from './replacement.ts';

/** Functions on directory entries as a whole (docs/reference/smcli.md 2, docs/reference/zvm.md 5.4). */
export const ENTRY_FUNCTIONS: Record<string, SmcliFunction> = {
  Image_Definition_Update_DM: {
    options: 'Tk',
    required: 'Tk',
    operands: ['NICDEF!'],
    scope: 'directory',
    status: (call) => `Updating ${call.target} virtual machine directory entry... `,
    requests: (call) => (call.system.behaviour.nicdefsAtOnce === 'sequence' ? call.operands.length : 1),
    run: update,
  },
  Image_Query_DM: {
    options: 'T',
    required: 'T',
    scope: 'definition',
    run: (call) => {
      const guest = call.system.guest(call.target);
      const subconfig = call.system.dirmaint.subconfigs.get(call.target.toUpperCase());
      const text = guest ? describeEntry(guest) : subconfig && describeNamed('SUBCONFIG', subconfig);
      if (text === undefined) return [400, 4];
      // The later program trims records (smcliImage.c); it could not write padded ones back.
      return call.kind === 'zthin' ? text.replaceAll(/^ +| +$/gm, '') : text;
    },
  },
  Profile_Query_DM: {
    options: 'T',
    required: 'T',
    scope: 'definition',
    run: (call) => {
      const profile = call.system.profiles.get(call.target.toUpperCase());
      // smcli's own form: a blank line comes first
      return profile ? `\n${describeNamed('PROFILE', profile)}` : [400, 4];
    },
  },
  Image_Lock_DM: {
    options: 'T',
    required: 'T',
    scope: 'directory',
    lock: 'takes',
    status: (call) => `Locking virtual image's directory entry ${call.target}... `,
    run: ({ system }, { entry, userid }) => {
      entry.lock = 'smapi';
      system.log('entry-locked', { userid });
      return OK;
    },
  },
  Image_Unlock_DM: {
    options: 'T',
    required: 'T',
    scope: 'directory',
    lock: 'gives',
    status: (call) => `Unlocking ${call.target}'s directory entry... `,
    run: unlock,
  },
  Image_Replace_DM: {
    options: 'Tf',
    switches: 's',
    required: 'T',
    scope: 'directory',
    lock: 'needs',
    status: (call) => `Replacing ${call.target}'s directory entry... `,
    check: (call) => recordsGiven(call).wrong ?? null,
    run: replace,
  },
  Static_Image_Changes_Immediate_DM: {
    options: 'T',
    required: 'T',
    scope: 'directory',
    status: (call) => `Making changes to ${call.target}'s directory immediately available... `,
    run: (call, guest) => call.system.putOnline(guest),
  },
};

/** Whether several operands are one transaction is not known: it is an option (docs/reference/zvm.md 5.4). */
function update(call: SmcliCall, guest: Guest): Code {
  const { nicdefKeywords, nicdefsAtOnce } = call.system.behaviour;
  const nicdefs: Nicdef[] = [];
  for (const [index, [, value]] of call.operands.entries()) {
    const nicdef = parseNicdefOperand(value, nicdefKeywords);
    if (nicdef === null) return [24, (index + 2) * 100 + 10];
    nicdefs.push(nicdef);
  }
  const before = guest.entry.records;
  for (const nicdef of nicdefsAtOnce === 'firstOnly' ? nicdefs.slice(0, 1) : nicdefs) {
    const code = call.system.addNicdef(guest, nicdef, true);
    if (code[0] === 0) continue;
    if (nicdefsAtOnce === 'transaction') call.system.replaceEntry(guest, before);
    return code;
  }
  return OK;
}

function replace(call: SmcliCall, guest: Guest): Code {
  const { records: given = [] } = recordsGiven(call);
  const code = checkEntry(guest.userid, given, call.system.behaviour);
  if (code) return code;
  call.system.replaceEntry(guest, given);
  call.system.log('entry-replaced', { userid: guest.userid, statements: guest.nicdefs.map(formatNicdef) });
  // Feilong never unlocks after a success, and goes on with other functions (smtclient.py)
  return unlock(call, guest);
}

function unlock({ system }: SmcliCall, { entry, userid }: Guest): Code {
  entry.lock = 'none';
  system.log('entry-unlocked', { userid });
  return OK;
}

function describeEntry({ entry }: Guest): string {
  const lines = [...entry.records, '*DVHOPT LNK0 LOG1 RCM1 SMS0 NPW1 LNGAMENG PWC20140611'];
  return `${lines.map(padded).join('\n')}\n`;
}

function describeNamed(kind: string, { name, statements }: Profile): string {
  return `${[`${kind} ${name}`, ...statements].flatMap(records).join('\n')}\n`;
}
