import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readCheckpoint, writeCheckpoint } from '../../activities/checkpoint.ts';
import type { EntryNic } from '../../domain/guest/entry-nics.ts';
import type { Checkpoint } from '../../domain/host/checkpoint.ts';
import { Vdev } from '../../domain/port/vdev.ts';
import { PortId, Userid, VswitchName } from '../../domain/text/identifiers.ts';

const userid = fc.stringMatching(/^[A-Z][A-Z0-9]{0,7}$/).map((text) => Userid.parse(text));
const vdev = fc.integer({ min: 0, max: 0xfffd }).map((number) => Vdev.parse(number.toString(16)));
const vswitch = fc.constantFrom('VSW1', 'VSW2', 'VSWPORT').map((name) => VswitchName.parse(name));
const entryNic: fc.Arbitrary<EntryNic> = fc.record(
  {
    vdev,
    macId: fc.stringMatching(/^[0-9A-F]{6}$/),
    vswitch,
    portNumber: fc.integer({ min: 1, max: 2048 }),
  },
  { requiredKeys: ['vdev'] },
);
const portIds = fc.array(
  fc.uuid().map((id) => PortId.parse(id)),
  { minLength: 1 },
);
const checkpoint: fc.Arbitrary<Checkpoint> = fc.record(
  {
    guests: fc
      .array(
        fc.tuple(
          userid,
          fc.record({ nics: fc.array(fc.record({ vdev, vswitch })), verified: fc.boolean(), seen: fc.boolean() }),
        ),
      )
      .map((guests) => new Map(guests)),
    entries: fc.array(fc.tuple(userid, fc.array(entryNic))).map((entries) => new Map(entries)),
    toConfirm: portIds,
  },
  { requiredKeys: ['guests', 'entries'] },
);

test('the checkpoint of a reconciliation is read back as it was', () => {
  fc.assert(
    fc.property(checkpoint, (given) => {
      expect(readCheckpoint(writeCheckpoint(given))).toEqual(given);
    }),
  );
});

test('ten thousand guests without ports of ours are remembered in less than 300 KB', () => {
  const entries = new Map(
    Array.from({ length: 10_000 }, (_, index): [Userid, EntryNic[]] => {
      const name = Userid.parse(`LNX${String(index).padStart(5, '0')}`);
      return [name, [{ vdev: Vdev.parse('1000'), macId: index.toString(16).padStart(6, '0').toUpperCase() }]];
    }),
  );
  expect(writeCheckpoint({ guests: new Map(), entries }).length).toBeLessThan(300_000);
});
