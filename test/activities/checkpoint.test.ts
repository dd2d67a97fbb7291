import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readCheckpoint, writeCheckpoint } from '../../activities/checkpoint.ts';
import { createCheckpointKeeper, type ReconcileRun } from '../../activities/kept-checkpoint.ts';
import type { EntryNic } from '../../domain/guest/entry-nics.ts';
import { type Checkpoint, EMPTY_CHECKPOINT } from '../../domain/host/checkpoint.ts';
import { Vdev } from '../../domain/port/vdev.ts';
import { PortId, Userid, VswitchName } from '../../domain/text/identifiers.ts';
import { Rdev } from '../../domain/vswitch/rdev.ts';

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
const portId = fc.uuid().map((id) => PortId.parse(id));
const portIds = fc.array(portId, { minLength: 1 });
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
    iplTime: fc.constantFrom('2026-01-01 00:00:00', '2026-02-02 00:00:00'),
    sweptUpTo: userid,
    rdevs: fc
      .dictionary(vswitch, fc.array(fc.constantFrom('6260', '6263').map((text) => Rdev.parse(text))))
      .map((rdevs) => new Map(Object.entries(rdevs).map(([name, had]) => [VswitchName.parse(name), had]))),
    neutron: fc.record({ ports: fc.uniqueArray(portId), reported: fc.array(fc.tuple(portId, fc.nat())).map(asMap) }),
  },
  { requiredKeys: ['guests', 'entries'] },
);

function asMap<Key, Value>(entries: readonly [Key, Value][]): Map<Key, Value> {
  return new Map(entries);
}

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

/** Ten thousand guests with a port each. */
function tenThousand(): Checkpoint {
  const nics = [{ vdev: Vdev.parse('1000'), vswitch: VswitchName.parse('VSW1') }];
  const names = Array.from({ length: 10_000 }, (_, index) => Userid.parse(`LNX${String(index).padStart(5, '0')}`));
  return { guests: new Map(names.map((name) => [name, { nics, verified: true, seen: true }])), entries: new Map() };
}

const run = (number: number): ReconcileRun => ({ workflowId: 'reconcile/zvm1', runId: `run-${number}` });

test('a chain of runs hands on what each remembers, whichever worker each of them runs on', async () => {
  const chain = fc.array(fc.record({ now: checkpoint, isContinued: fc.boolean(), isNewWorker: fc.boolean() }));
  await fc.assert(
    fc.asyncProperty(chain, async (runs) => {
      const results = new Map<string, string>();
      let keeper = createCheckpointKeeper();
      let last: string | undefined;
      let before: Checkpoint | undefined;
      for (const [number, { now, isContinued, isNewWorker }] of runs.entries()) {
        if (isNewWorker) keeper = createCheckpointKeeper();
        const kept = await keeper.open(last, async ({ runId }) => results.get(runId));
        expect(kept.checkpoint).toEqual(before ?? EMPTY_CHECKPOINT);
        last = kept.write(now, run(number), isContinued).text;
        results.set(run(number).runId, last);
        before = now;
      }
    }),
  );
});

test('runs of an idle host with ten thousand ports remember it in a few hundred bytes, and in full a few times a day', async () => {
  const results = new Map<string, string>();
  const hour = 3_600_000;
  let time = 0;
  const keeper = createCheckpointKeeper(() => time);
  const sizes: number[] = [];
  let last: string | undefined;
  for (let number = 0; number < 24; number += 1) {
    const kept = await keeper.open(last, async ({ runId }) => results.get(runId));
    const sweptUpTo = Userid.parse(`LNX${String(number).padStart(5, '0')}`);
    last = kept.write({ ...tenThousand(), sweptUpTo }, run(number), false).text;
    results.set(run(number).runId, last);
    sizes.push(last.length);
    time += hour;
  }
  expect(sizes.filter((size) => size > 200)).toHaveLength(4);
  expect(Math.max(...sizes)).toBeLessThan(60_000);
});

test('a checkpoint whose base is no longer kept, or that continues a run without a result, rests on no other run', async () => {
  const gone = async () => undefined;
  const first = createCheckpointKeeper();
  const { text: full } = (await first.open(undefined, gone)).write(tenThousand(), run(1), false);
  const { text: changes } = (await first.open(full, gone)).write(tenThousand(), run(2), false);
  expect((await createCheckpointKeeper().open(changes, gone)).checkpoint).toBe(EMPTY_CHECKPOINT);
  const { text: continued } = (await first.open(full, gone)).write(tenThousand(), run(2), true);
  expect((await createCheckpointKeeper().open(continued, gone)).checkpoint).toEqual(tenThousand());
});
