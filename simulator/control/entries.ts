import { z } from 'zod';
import { parseNicdefStatements, parseVdev } from '../directory/nicdef.ts';
import type { Guest } from '../zvm/guest.ts';
import type { ZvmSystem } from '../zvm/system.ts';

const Entry = z.strictObject({ statements: z.array(z.string()), profile: z.string().nullable().optional() });
const Device = z.strictObject({ vdev: z.string(), count: z.number().int().min(1).default(1), kind: z.string() });

/** `profiles/<name>`: the statements of a profile, made when it is not there. Answers what is wrong with the request. */
export function changeProfile(system: ZvmSystem, name: string, body: unknown): string | null {
  const { data, error } = Entry.safeParse(body);
  if (data === undefined || name === '') return error?.message ?? 'a profile has a name';
  return unlessWrong(data.statements, () => {
    system.profiles.set(name.toUpperCase(), { name: name.toUpperCase(), statements: data.statements });
  });
}

/** `guests/<userid>/directory`: an entry as an administrator writes it; a running guest keeps what it has. Answers what is wrong. */
export function changeEntry(guest: Guest, body: unknown): string | null {
  const { data, error } = Entry.safeParse(body);
  if (data === undefined) return error.message;
  const { statements, profile } = data;
  return unlessWrong(statements, (nicdefs) => {
    guest.nicdefs = nicdefs;
    guest.statements = statements.filter((statement) => !isNicdef(statement));
    guest.online = null;
    if (profile !== undefined) guest.profile = profile;
  });
}

/** `guests/<userid>/devices`: what somebody defines or attaches on the running guest. Answers what is wrong. */
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
    return error instanceof Error ? error.message : String(error);
  }
}
