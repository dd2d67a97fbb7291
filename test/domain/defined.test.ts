import { expect, expectTypeOf, test } from 'vitest';
import { defined } from '../../domain/defined.ts';

test('a property that is undefined is left out, any other is kept', () => {
  const given = defined({ a: undefined, b: null, c: 0, d: '', e: false });
  expect(Object.entries(given)).toEqual([
    ['b', null],
    ['c', 0],
    ['d', ''],
    ['e', false],
  ]);
});

test('a property that may be undefined is optional by its type, and no other is', () => {
  const perhaps = (): string | undefined => undefined;
  const given: { a?: string; b: number } = defined({ a: perhaps(), b: 1 });
  expectTypeOf(given.b).toEqualTypeOf<number>();
  expect('a' in given).toBe(false);
});
