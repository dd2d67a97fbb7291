import { z } from 'zod';
import { vlansOfWords } from '../vswitch/vlan-set.ts';
import { VIAS } from './verdict.ts';
import { ChangeWindow } from './window.ts';

const Name = z.string().trim().min(1, 'must not be empty').max(100, 'must have at most 100 characters');
const Patterns = z
  .array(Name)
  .min(1, 'must not be empty')
  .meta({ description: 'Names; * stands for any characters, case does not matter' });
const Vlans = z
  .array(
    z
      .union([z.int(), z.string()], { error: 'must be a VLAN, a range as 100-199, or flat' })
      .transform((word, context) => {
        const vlans = word === 'flat' ? (['flat'] as const) : vlansOfWords([String(word)]);
        if (vlans.length === 0) context.addIssue('must be a VLAN, a range as 100-199, or flat');
        return vlans;
      }),
  )
  .min(1, 'must not be empty')
  .transform((words): (number | 'flat')[] => words.flat())
  .meta({ description: 'VLANs, ranges as 100-199, or flat' });

/** The changes that a rule is about: all conditions hold, of each list one entry. Without conditions: all changes. */
const Match = z.strictObject({
  interrupts: z.boolean().optional().meta({ description: 'The plan takes a live NIC off the network for a moment' }),
  deletes: z.boolean().optional().meta({ description: 'A port or a VSWITCH goes' }),
  vswitch: z.boolean().optional().meta({ description: 'A VSWITCH itself is created, changed or deleted' }),
  migrates: z.boolean().optional().meta({ description: "A guest's record is brought to another backend" }),
  moreGuestsThan: z.int().min(0).optional().meta({ description: 'The operation changes more guests than this' }),
  hosts: Patterns.optional(),
  guests: Patterns.optional(),
  networks: Patterns.optional().meta({ description: 'Physical networks of the configuration' }),
  vswitches: Patterns.optional(),
  vlans: Vlans.optional(),
  callers: Patterns.optional().meta({ description: 'Asked for by one of these, or by nobody knows whom' }),
  exceptCallers: Patterns.optional(),
  via: z.array(z.enum(VIAS)).min(1).optional().meta({ description: 'The way in' }),
  exceptVia: z.array(z.enum(VIAS)).min(1).optional(),
  outside: Name.optional().meta({ description: 'This window is not open' }),
});
export type Match = z.infer<typeof Match>;

const ofRule = {
  name: Name.meta({ description: 'As messages and operations show it' }),
  match: Match.prefault({}),
};
const DAY_HOURS = 24;

/** A rule of a policy. */
export const Rule = z.discriminatedUnion('action', [
  z.strictObject({
    ...ofRule,
    action: z.literal('approval'),
    approvers: Patterns.optional().meta({
      description: 'Who approves; by default anybody with the right to, but the asker',
    }),
    withinHours: z
      .number('must be a number of hours')
      .positive('must be more than 0')
      .max(720, 'must be at most 30 days, 720')
      .default(DAY_HOURS)
      .meta({ description: 'The operation ends when nobody has decided by then' }),
  }),
  z.strictObject({
    ...ofRule,
    action: z.literal('window'),
    window: Name.meta({ description: 'The window to wait for' }),
  }),
  z.strictObject({
    ...ofRule,
    action: z.literal('refuse'),
    because: z.string().max(300).optional().meta({ description: 'The reason, for the caller' }),
  }),
]);
export type Rule = z.infer<typeof Rule>;

/** The window of that name; undefined when there is none. */
export function windowOf({ windows }: Pick<Policy, 'windows'>, name: string): ChangeWindow | undefined {
  return Object.hasOwn(windows, name) ? windows[name] : undefined;
}

/** A policy: which changes wait for a second person or a window, and which are refused. */
export const Policy = z
  .strictObject({
    windows: z.record(Name, ChangeWindow).default({}),
    rules: z.array(Rule).min(1, 'must have a rule'),
  })
  .superRefine(({ windows, rules }, context) => {
    const names = new Set<string>();
    for (const [index, rule] of rules.entries()) {
      const complain = (path: string[], message: string) =>
        context.addIssue({ code: 'custom', path: ['rules', index, ...path], message });
      if (names.has(rule.name)) complain(['name'], `${rule.name} is the name of an earlier rule`);
      names.add(rule.name);
      const { outside } = rule.match;
      if (outside !== undefined && windowOf({ windows }, outside) === undefined)
        complain(['match', 'outside'], `there is no window ${outside}`);
      if (rule.action === 'window' && windowOf({ windows }, rule.window) === undefined)
        complain(['window'], `there is no window ${rule.window}`);
    }
  });
export type Policy = z.infer<typeof Policy>;
