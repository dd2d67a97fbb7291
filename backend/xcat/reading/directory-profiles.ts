import type { Nicdef } from '../../../domain/guest/guest.ts';
import { type DeviceRange, nicDevices } from '../../../domain/port/vdev.ts';
import { Userid } from '../../../domain/text/identifiers.ts';
import type { CommandChannel, CommandOutcome } from '../zhcp/channel.ts';
import { queryProfile } from '../zhcp/smcli.ts';
import { parseDirectory, parseDirectoryDevices } from '../zhcp/smcli-parsers.ts';

/** Devices and NICs that every user has whose entry includes the profile. */
export type Profile = { devices: DeviceRange[]; nics: Nicdef[] };

/** The profiles of one host's user directory. */
export type DirectoryProfiles = {
  /** Those of these names that can be read. They change hardly ever: what was read is kept for a while. */
  read(names: readonly string[]): Promise<ReadonlyMap<string, Profile>>;
  /** The same profiles, where others have read them too, read by another way to the zHCP. */
  by(channel: Pick<CommandChannel, 'run'>): DirectoryProfiles;
};

const KEPT_MS = 10 * 60_000;
const NOTHING: Profile = { devices: [], nics: [] };

type Kept = { profile: Profile; until: number };

/** Create the reader of profiles of one zHCP; `now` in milliseconds. */
export function createDirectoryProfiles(
  first: Pick<CommandChannel, 'run'>,
  now: () => number = Date.now,
): DirectoryProfiles {
  const kept = new Map<string, Kept>();
  const by = (channel: Pick<CommandChannel, 'run'>): DirectoryProfiles => ({
    by,
    async read(names) {
      const unknown = [...new Set(names)].filter((name) => (kept.get(name)?.until ?? 0) <= now());
      const askable = unknown.flatMap((name) => Userid.safeParse(name).data ?? []);
      if (askable.length > 0) {
        const outcomes = await channel.run(askable.map((name) => [queryProfile(name)]));
        for (const [index, name] of askable.entries())
          kept.set(name, { profile: profileOf(name, outcomes[index]), until: now() + KEPT_MS });
      }
      return new Map(names.flatMap((name) => (kept.has(name) ? [[name, kept.get(name)?.profile ?? NOTHING]] : [])));
    },
  });
  return by(first);
}

/** A profile that cannot be read gives nothing that is known of here: z/VM itself refuses what is in its way. */
function profileOf(name: string, outcome: CommandOutcome | undefined): Profile {
  if (outcome?.ran !== true || outcome.exitStatus !== 0) return NOTHING;
  try {
    const nics = parseDirectory(outcome.output).map((nic): Nicdef => ({ ...nic, profile: name }));
    const { devices } = parseDirectoryDevices(outcome.output);
    const of = ({ nic: _nic, ...range }: DeviceRange): DeviceRange => ({
      ...range,
      what: `${range.what} of profile ${name}`,
    });
    const narrow = nics.map(({ vdev }) => nicDevices(vdev));
    return { nics, devices: [...devices, ...narrow].map(of) };
  } catch {
    return NOTHING;
  }
}
