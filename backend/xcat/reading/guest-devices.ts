import type { Nicdef } from '../../../domain/guest/guest.ts';
import type { DeviceRange } from '../../../domain/port/vdev.ts';
import type { Build } from '../../zvm/device-parser.ts';
import { judge } from '../../zvm/return-codes.ts';
import type { CommandOutcome } from '../zhcp/channel.ts';
import { completeAnswer } from '../zhcp/smapi-outcome.ts';
import {
  isWholeDirectory,
  isWholeNicAnswer,
  parseActiveDevices,
  parseDirectoryDevices,
  parseWideNics,
} from '../zhcp/smcli-parsers.ts';
import type { Profile } from './directory-profiles.ts';

/** Answers about a guest; its entry and its devices are absent where these are taken as recorded. */
export type DeviceOutcomes = {
  nics: CommandOutcome | undefined;
  /** The answer about NICs is of before their coupling: the VSWITCHes tell where they are coupled since. */
  coupledSince?: true;
  directory?: CommandOutcome | undefined;
  active?: CommandOutcome | undefined;
  /** Only where directory entries authorise. */
  vlans?: CommandOutcome | undefined;
};

// Not logged on is 200/12 or 8/45, which of them is not known (docs/reference/zvm.md 2.2); 200/4 is of a guest that z/VM does not have.
const NOT_RUNNING = ['200/12', '8/45', '200/4'];

/** True when the answer about a guest's NICs says that it is logged on to the member that was asked, whatever it has there. CP may have answered in SMAPI's place. */
export function isRunning(nics: CommandOutcome | undefined): boolean {
  return nics?.ran === true && !isLoggedOnNowhere(nics) && !NOT_RUNNING.includes(codeOf(nics) ?? '');
}

/** True of CP's answer that a guest is logged on nowhere, or that it knows no such user. */
export function isLoggedOnNowhere(user: CommandOutcome | undefined): boolean {
  // HCPCQU045E: not logged on; HCPCQV003E: CP knows no such user.
  return user?.ran === true && user.exitStatus !== 0 && /HCP\w{3}(045|003)E/.test(user.output);
}

/** Return and reason code of what failed. */
export function codeOf(outcome: CommandOutcome | undefined): string | undefined {
  if (outcome?.ran !== true) return undefined;
  const verdict = judge('', outcome.exitStatus, outcome.output);
  return verdict.ok ? undefined : `${verdict.rc}/${verdict.rs}`;
}

/** The profiles that a guest's entry includes. */
export function includesOf({ directory }: DeviceOutcomes): string[] {
  return entryDevices(directory).includes;
}

/** The SUBCONFIGs that a guest's entry has on members of the cluster. */
export function buildsOf({ directory }: Pick<DeviceOutcomes, 'directory'>): Build[] {
  return entryDevices(directory).builds;
}

/** Devices of the guest besides NICs of three, as far as it can be read: none of it is needed to know the guest's NICs. */
export function devicesOf(outcomes: DeviceOutcomes, profiles: ReadonlyMap<string, Profile>): DeviceRange[] {
  const entry = entryDevices(outcomes.directory);
  return [
    ...entry.devices,
    ...entry.includes.flatMap((name) => profiles.get(name)?.devices ?? []),
    ...parseWideNics(printed(outcomes.nics, isWholeNicAnswer)),
    ...parseActiveDevices(printed(outcomes.active, () => false)),
  ];
}

/** NICs that the entry has from its profiles, where it has none of its own there. */
export function profileNics(
  outcomes: DeviceOutcomes,
  own: readonly Nicdef[],
  profiles: ReadonlyMap<string, Profile>,
): Nicdef[] {
  const inherited = includesOf(outcomes).flatMap((name) => profiles.get(name)?.nics ?? []);
  return inherited.filter(({ vdev }) => !own.some((nic) => nic.vdev === vdev));
}

function entryDevices(outcome: CommandOutcome | undefined): ReturnType<typeof parseDirectoryDevices> {
  const output = printed(outcome, isWholeDirectory);
  try {
    if (output !== '') return parseDirectoryDevices(output);
  } catch {
    // That the entry cannot be read is said where its NICs are read.
  }
  return { devices: [], includes: [], builds: [] };
}

/** The output of a query, empty where it failed: a guest that is logged off has no devices. */
function printed(outcome: CommandOutcome | undefined, isComplete: (output: string) => boolean): string {
  if (outcome?.ran !== true) return '';
  try {
    return completeAnswer('read devices', outcome, isComplete).output;
  } catch {
    return '';
  }
}
