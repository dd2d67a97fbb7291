import type { EntryNic, EntryNics } from '../domain/guest/entry-nics.ts';
import type { Nicdef, RecordedPort } from '../domain/guest/guest.ts';
import type { Userid } from '../domain/text/identifiers.ts';

/**
 * The directory entries of one host as this worker has read them last, as far as they have NICs that are no ports of ours: of a guest that is
 * logged off, nothing else tells their MACs and port numbers. They come from the sweep of reconciliation, never by a call of their own.
 */
export type DirectoryEntries = {
  readonly known: EntryNics;
  /** An entry that has just been read. */
  note(userid: Userid, nics: readonly Nicdef[], recorded: readonly RecordedPort[]): void;
  /** Take entries of an earlier run, where this worker has not read the entry itself. */
  recall(entries: EntryNics): void;
  /** Of guests that are no more, nothing is known. */
  keepOnly(guests: ReadonlySet<Userid>): void;
};

/** Create them, with nothing known. */
export function createDirectoryEntries(): DirectoryEntries {
  const known = new Map<Userid, readonly EntryNic[]>();
  return {
    known,
    note(userid, nics, recorded) {
      const ours = new Set(recorded.map(({ vdev }) => vdev));
      const others = nics.filter(({ vdev, profile }) => profile === undefined && !ours.has(vdev));
      known.set(
        userid,
        others.map(({ vdev, macId, vswitch, portNumber }) => ({
          vdev,
          ...(macId === undefined ? {} : { macId }),
          ...(vswitch === undefined ? {} : { vswitch }),
          ...(portNumber === undefined ? {} : { portNumber }),
        })),
      );
    },
    recall(entries) {
      for (const [userid, nics] of entries) if (!known.has(userid)) known.set(userid, nics);
    },
    keepOnly(guests) {
      for (const userid of [...known.keys()]) if (!guests.has(userid)) known.delete(userid);
    },
  };
}
