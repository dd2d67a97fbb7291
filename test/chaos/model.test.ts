import { expect, test } from 'vitest';
import {
  type Answer,
  expectedAfter,
  type PortChange,
  type ReportedState,
  reportedByChange,
  type Word,
} from '../../chaos/model.ts';

let number = 0;
/** A word on the port, accepted at a millisecond. */
function word(
  acceptedAt: number,
  change: PortChange,
  answer: Answer = 'carriedOut',
  reported: ReportedState = reportedByChange(change),
): Word {
  number += 1;
  return { workflowId: `operation-${number}`, type: change.kind, acceptedAt, change, answer, reported };
}
const create = (vlan: number): PortChange => ({ kind: 'create', vlan, up: true, live: true });
const vlan = (number_: number): PortChange => ({ kind: 'vlan', vlan: number_ });

test('the last accepted word counts, in whatever order the words are given', () => {
  const words = [word(30, vlan(300)), word(10, create(100)), word(20, vlan(200))];
  expect(expectedAfter(words).states).toEqual([{ vlan: 300, up: true, live: true }]);
});

test('words on different things of a port all hold', () => {
  const words = [word(1, create(100)), word(2, { kind: 'admin', up: false }), word(3, { kind: 'live', live: false })];
  expect(expectedAfter([...words, word(4, vlan(200))]).states).toEqual([{ vlan: 200, up: false, live: false }]);
});

test.each(['refused', 'nothing'] as const)('a word that was answered %s changes nothing', (answer) => {
  expect(expectedAfter([word(1, create(100)), word(2, vlan(200), answer)]).states).toEqual([
    { vlan: 100, up: true, live: true },
  ]);
});

test('an operation of unknown outcome may hold or not', () => {
  const { states } = expectedAfter([word(1, create(100)), word(2, vlan(200), 'unsure')]);
  expect(states.map((state) => state?.vlan)).toEqual([100, 200]);
});

test('words of one millisecond may have come in either order', () => {
  const { states } = expectedAfter([word(1, create(100)), word(2, vlan(200)), word(2, vlan(300))]);
  expect(states.map((state) => state?.vlan).toSorted()).toEqual([200, 300]);
});

test('a port that is deleted is gone, and may be made anew on another VLAN', () => {
  const words = [word(1, create(100)), word(2, { kind: 'delete' })];
  expect(expectedAfter(words).states).toEqual([null]);
  expect(expectedAfter([...words, word(3, create(200))]).states).toEqual([{ vlan: 200, up: true, live: true }]);
});

test('a port that is there is taken on the same VLAN, as it is, and refused on another', () => {
  const down = [word(1, create(100)), word(2, { kind: 'admin', up: false })];
  expect(expectedAfter([...down, word(3, create(100))])).toEqual({
    states: [{ vlan: 100, up: false, live: true }],
    wrongAnswers: [],
  });
  expect(expectedAfter([...down, word(3, create(200), 'refused')]).wrongAnswers).toEqual([]);
});

test('an answer that no order of acceptance gives is wrong', () => {
  const granted = word(1, vlan(100));
  const refused = word(3, vlan(300), 'refused');
  expect(expectedAfter([granted, word(2, create(200)), refused]).wrongAnswers).toEqual([granted, refused]);
});

test('an answer is not wrong where a word before it may hold or not, but two answers must agree on it', () => {
  const created = word(1, create(100), 'unsure');
  const refused = word(2, vlan(200), 'refused');
  const granted = word(3, vlan(300));
  expect(expectedAfter([created, refused]).wrongAnswers).toEqual([]);
  expect(expectedAfter([created, granted]).wrongAnswers).toEqual([]);
  expect(expectedAfter([created, refused, granted]).wrongAnswers).toEqual([granted]);
});

test('of words of one millisecond only the orders count that their answers fit', () => {
  const gone = { kind: 'delete' } as const;
  const both = (answer: Answer) => [word(1, create(100)), word(2, gone), word(2, vlan(200), answer)];
  expect(expectedAfter(both('refused'))).toEqual({ states: [null], wrongAnswers: [] });
  expect(expectedAfter([...both('carriedOut'), word(3, create(300))])).toMatchObject({
    states: [{ vlan: 300 }],
    wrongAnswers: [],
  });
});

test('a word that is reported as carried out against all order counts as carried out', () => {
  const reported = { vlan: 200, up: true, live: true };
  const granted = word(3, vlan(200), 'carriedOut', reported);
  const words = [word(1, create(100)), word(2, { kind: 'delete' }), granted, word(4, { kind: 'admin', up: false })];
  expect(expectedAfter(words)).toEqual({ states: [{ ...reported, up: false }], wrongAnswers: [granted] });
});
