import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { holdChanges } from '../../domain/host/hold-changes.ts';
import { type ControlWord, controlAfter, holdAt, NO_CONTROL } from '../../domain/host/host-control.ts';

const numbered = (words: ControlWord[]) => words.map((word, index) => ({ number: index + 1, word }));
const hold = (at: number, input: object = {}): ControlWord => ({ name: 'hold', at, input: { by: 'anna', ...input } });
const release = (at: number): ControlWord => ({ name: 'release', at, input: { by: 'ben', reason: 'done' } });
const told = (words: ControlWord[], end = 1_000) =>
  holdChanges(NO_CONTROL, numbered(words), { begin: 0, end }).map(({ kind, word, at, by }) => [kind, word, at, by]);

describe('the changes of a hold', () => {
  test('are each hold, with who and why, and its release', () => {
    expect(
      holdChanges(NO_CONTROL, numbered([hold(10, { reason: 'CHG1' }), release(20)]), { begin: 0, end: 30 }),
    ).toEqual([
      { kind: 'held', word: 1, at: 10, hold: { by: 'anna', reason: 'CHG1', since: 10 }, by: 'anna', reason: 'CHG1' },
      {
        ...{ kind: 'released', word: 2, at: 20, hold: { by: 'anna', reason: 'CHG1', since: 10 } },
        ...{ by: 'ben', reason: 'done' },
      },
    ]);
  });

  test('are a release without a person when its time has come, and none before', () => {
    const words = [hold(10, { until: 500 })];
    expect(told(words, 499)).toEqual([['held', 1, 10, 'anna']]);
    expect(told(words, 500)).toEqual([
      ['held', 1, 10, 'anna'],
      ['released', 'until', 500, undefined],
    ]);
    expect(told([...words, release(600)], 700)).toEqual(told(words, 700));
  });

  test('are a second hold in place of the first, and no word that holds nothing', () => {
    const quiet: ControlWord = { name: 'quiet', at: 15, input: { worker: 'w', hold: 1 } };
    expect(told([hold(10), quiet, hold(20), release(30), release(40)])).toEqual([
      ['held', 1, 10, 'anna'],
      ['held', 3, 20, 'anna'],
      ['released', 4, 30, 'ben'],
    ]);
  });

  test('are no release while a restore holds the host too', () => {
    const restored: ControlWord = { name: 'restored', at: 5, input: { by: 'carol' } };
    const finish: ControlWord = { name: 'finish', at: 40, input: { by: 'carol' } };
    expect(told([restored, hold(10), release(20), finish])).toEqual([
      ['held', 1, 5, 'carol'],
      ['held', 2, 10, 'anna'],
      ['released', 4, 40, 'carol'],
    ]);
  });

  test('go on where the run before has ended: each is told by one of them', () => {
    const word = fc.record({
      name: fc.constantFrom('hold', 'release', 'restored', 'finish', 'quiet'),
      input: fc.record({
        by: fc.constant('anna'),
        until: fc.option(fc.integer({ min: 1, max: 200 }), { nil: undefined }),
      }),
    });
    fc.assert(
      fc.property(fc.array(word, { maxLength: 12 }), fc.nat(12), (some, cut) => {
        const words = numbered(some.map((each, index) => ({ ...each, at: 10 * (index + 1) }) as ControlWord));
        const [first, second] = [words.slice(0, cut), words.slice(cut)];
        const ended = first.at(-1)?.word.at ?? 0;
        const carried = first.reduce((so, each) => controlAfter(so, each.word), NO_CONTROL);
        const both = [
          ...holdChanges(NO_CONTROL, first, { begin: 0, end: ended }),
          ...holdChanges(carried, second, { begin: ended, end: 1_000 }),
        ];
        const whole = holdChanges(NO_CONTROL, words, { begin: 0, end: 1_000 });
        const isHeld =
          holdAt(
            words.reduce((so, each) => controlAfter(so, each.word), NO_CONTROL),
            1_000,
          ) !== undefined;
        expect(both).toEqual(whole);
        expect(whole.at(-1)?.kind === 'held').toBe(isHeld);
      }),
    );
  });
});
