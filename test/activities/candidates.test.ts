import { expect, test } from 'vitest';
import { candidatesOfOneRun, runningFirst } from '../../activities/survey-guests.ts';
import type { SurveyedGuest } from '../../domain/drift/drift.ts';
import { Userid } from '../../domain/text/identifiers.ts';
import type { Candidate } from '../../workflows/host-activities.ts';

const candidates = (count: number, lines: string[]): Candidate[] =>
  Array.from({ length: count }, (_, index) => ({
    userid: Userid.parse(`LNX${String(index).padStart(5, '0')}`),
    change: { kind: 'reconcile', ports: [], removed: [], unrecorded: [], left: [] },
    lines,
  }));

test('one run repairs a thousand guests, and fewer when there is more to say of each than a result may hold', () => {
  const short = candidates(5_000, ['LNX00000 is not authorised on VSW1']);
  expect(candidatesOfOneRun(short)).toEqual(short.slice(0, 1_000));
  const long = candidates(
    5_000,
    Array.from({ length: 40 }, () => 'LNX00000 is not authorised on VSW1'),
  );
  const some = candidatesOfOneRun(long);
  expect(some.length).toBeGreaterThan(100);
  expect(JSON.stringify(some).length).toBeLessThan(1_000_000);
  expect(some).toEqual(long.slice(0, some.length));
});

test('a guest of which there is more to say than a result may hold is repaired by itself', () => {
  const [huge] = candidates(1, ['x'.repeat(700_000)]);
  if (huge === undefined) throw new Error('no candidate');
  expect(candidatesOfOneRun([huge, huge])).toEqual([huge]);
});

test('guests that were logged off before a re-IPL are repaired last', () => {
  const all = candidates(4, ['LNX00000 is not authorised on VSW1']);
  const guests = all.map(({ userid }, index): SurveyedGuest => {
    const nothing = {
      recorded: [],
      hidesPorts: false,
      nicsOfOthers: [],
      wanted: new Map(),
      unconfirmed: new Set<never>(),
    };
    return { ...nothing, userid, unwanted: [], remembered: { nics: [], verified: index < 2, seen: true } };
  });
  expect(runningFirst(all, guests)).toEqual([all[2], all[3], all[0], all[1]]);
});
