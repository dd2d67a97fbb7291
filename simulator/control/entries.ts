import { z } from 'zod';
import { messageOf } from '../../command-line/program.ts';
import { userRecords } from '../directory/entry.ts';
import { parseVdev } from '../directory/nicdef.ts';
import { parseNicdefStatements } from '../directory/nicdef-statements.ts';
import type { Guest } from '../zvm/guest.ts';
import type { ZvmSystem } from '../zvm/system.ts';

const Entry = z.strictObject({ statements: z.array(z.string()), profile: z.string().nullable().optional() });
const Whole = z.strictObject({ records: z.array(z.string()).min(1) });
const Device = z.strictObject({ vdev: z.string(), count: z.number().int().min(1).default(1), kind: z.string() });

/** `profiles/<name>`: the statements of a profile, made when it is not there. Answers what is wrong with the request. */
export function changeProfile(system: ZvmSystem, name: string, body: unknown): string | null {
  const { data, error } = Entry.safeParse(body);
  if (data === undefined || name === '') return error?.message ?? 'a profile has a name';
  return unlessWrong(data.statements, () => {
    system.profiles.set(name.toUpperCase(), { name: name.toUpperCase(), statements: data.statements });
  });
}

/** `subconfigs/<name>`: the statements that an IDENTITY has on a member. Answers what is wrong with the request. */
export function changeSubconfig(system: ZvmSystem, name: string, body: unknown): string | null {
  const { data, error } = Entry.safeParse(body);
  if (data === undefined || name === '') return error?.message ?? 'a subconfig has a name';
  return unlessWrong(data.statements, () => {
    system.dirmaint.subconfigs.set(name.toUpperCase(), { name: name.toUpperCase(), statements: data.statements });
  });
}

/**
 * `guests/<userid>/directory`: an entry as an administrator writes it; a running guest keeps what it has. `records` are the whole entry as it
 * stands, `statements` the NICs and devices of a user. Answers what is wrong.
 */
export function changeEntry({ userid, entry }: Guest, body: unknown): string | null {
  const whole = Whole.safeParse(body);
  if (whole.success) return unlessWrong([], () => entry.restore(whole.data.records, undefined, entry.lock));
  const { data, error } = Entry.safeParse(body);
  if (data === undefined) return error.message;
  const { statements, profile = entry.profile } = data;
  return unlessWrong(statements, (nicdefs) => {
    const others = statements.filter((statement) => !isNicdef(statement));
    entry.restore(userRecords(userid, { profile, nicdefs, statements: others }), undefined, entry.lock);
  });
}

/** `guests/<userid>/devices`: a device that an administrator defines or attaches on the running guest. Answers the problem. */
export function addDevice(guest: Guest, body: unknown): string | null {
  const { data, error } = Device.safeParse(body);
  if (data === undefined) return error.message;
  const vdev = parseVdev(data.vdev);
  if (vdev === null || !guest.loggedOn) return 'that is no device number, or the guest is not logged on';
  guest.devices.push({ ...data, vdev });
  return null;
}

function isNicdef(statement: string): boolean {
  return /^NICDEF /i.test(statement);
}

function unlessWrong(
  statements: readonly string[],
  change: (nicdefs: ReturnType<typeof parseNicdefStatements>) => void,
): string | null {
  try {
    change(parseNicdefStatements(statements.filter(isNicdef)));
    return null;
  } catch (error) {
    return messageOf(error);
  }
}
